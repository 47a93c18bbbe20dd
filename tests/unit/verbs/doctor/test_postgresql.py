from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fit_world import (
    EAST,
    NOW,
    WEST,
    data,
    only,
    readiness,
    scope,
    seen,
    server,
    unfit,
    with_server,
)

from drtool.connections.postgresql.readiness import Slot
from drtool.errors import AccessDenied, DrtoolError, StepFailed, Unreachable
from drtool.model.replication import Heartbeat, ManagerSign, Receiver, Sender
from drtool.verbs.doctor import heartbeats, postgresql, replication
from drtool.verbs.doctor.finding import State
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen

LOST_SLOT = Slot(name="drtool", active=False, lost=True)
IDLE_SLOT = Slot(name="drtool", active=False, lost=False, kept_bytes=37_000_000)


def judged(about: Scope, found: Seen) -> list[Any]:
    return [
        *postgresql.findings(about, found),
        *replication.findings(about, found),
        *heartbeats.findings(about, found),
    ]


def ready(place: str = EAST, **changed: Any) -> Seen:
    return with_server(place, readiness=readiness(place, **changed))


def host(**changed: Any) -> Seen:
    return replace(seen(), data={EAST: data(EAST, **changed), WEST: data(WEST)})


def beat(seconds: float) -> Heartbeat:
    return Heartbeat(written_at=NOW + timedelta(seconds=seconds))


def test_healthy_servers_are_told_with_role_and_heartbeat() -> None:
    found = judged(scope(), seen())
    assert [(one.subject, one.found) for one in found] == [
        (EAST, "17.10, primary on timeline 1, heartbeat 0.50 s old"),
        (WEST, "17.10, standby on timeline 1, heartbeat 0.50 s old"),
    ]


@pytest.mark.parametrize(
    ("made", "found", "cure"),
    [
        (lambda: ready(missing=("pg_promote", "ALTER SYSTEM")), "lacks pg_promote, ALTER SYSTEM",
         'GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer) TO "drtool"; GRANT ALTER SYSTEM'),
        (lambda: ready(missing_for_rewind=("pg_catalog.pg_stat_file(text,boolean)",)),
         "lacks pg_catalog.pg_stat_file",
         'GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_file(text,boolean) TO "drtool"'),
        (lambda: ready(role_trouble="role replicator lacks LOGIN: ALTER ROLE replicator LOGIN"),
         "role replicator lacks LOGIN", "ALTER ROLE replicator LOGIN"),
        (lambda: ready(settings={"data_checksums": "off"}), "pg_rewind refuses it",
         "ALTER SYSTEM SET wal_log_hints = on"),
        (lambda: ready(settings={"full_page_writes": "off"}), "pg_rewind refuses it",
         "full_page_writes = on"),
        (lambda: ready(settings={"max_slot_wal_keep_size": "-1"}), "fills the disk",
         "ALTER SYSTEM SET max_slot_wal_keep_size"),
        (lambda: ready(settings={"max_wal_senders": "0"}), "max_wal_senders is 0",
         "ALTER SYSTEM SET max_wal_senders = 10"),
        (lambda: ready(settings={"wal_level": "minimal"}), "wal_level is minimal",
         "ALTER SYSTEM SET wal_level = replica"),
        (lambda: ready(archiving_fails=True), "archive_command fails", "pg_stat_archiver"),
        (lambda: ready(slots=(LOST_SLOT,)), "slot drtool has lost its WAL", "drtool reprotect"),
        (lambda: ready(slots=(IDLE_SLOT,)), "keeps 37 MB of WAL", "pg_drop_replication_slot"),
        (lambda: with_server(EAST, managers=(ManagerSign(manager="Patroni", sign="a session"),)),
         "Patroni is in charge of east.orders_db", "take it out of charge"),
        (lambda: with_server(EAST, synchronous_standby_names="west"), "waits at each commit",
         "synchronous_standby_names = ''"),
        (lambda: with_server(WEST, replay_paused=True), "replay is paused",
         "SELECT pg_wal_replay_resume()"),
        (lambda: with_server(WEST, receiver=None), "does not stream",
         "drtool reprotect orders.yaml"),
        (lambda: with_server(WEST, receiver=Receiver(status="streaming", sender_host="192.0.2.9")),
         "streams from 192.0.2.9", "correct its primary_conninfo"),
        (lambda: with_server(WEST, timeline=2), "is on timeline 2", "drtool reprotect"),
        (lambda: with_server(WEST, heartbeat=beat(-60), received=0), "59.5 s and 5 kB behind",
         "pg_stat_replication"),
        (lambda: with_server(WEST, server_version=150004), "is PostgreSQL 15.4",
         "upgrade both to the same major version"),
        (lambda: with_server(EAST, heartbeat=None), "has no heartbeat of orders",
         "drtool heartbeat inventory.yaml orders"),
        (lambda: with_server(EAST, heartbeat=beat(8)), "ahead of its clock", "timedatectl"),
        (lambda: host(directory=None), "/srv/pg is not there", "correct data_directory"),
        (lambda: host(control=None, control_trouble="pg_controldata: not found"),
         "pg_controldata: not found", "correct bin_directory"),
        (lambda: host(mode="770"), "half rewound", "drtool reprotect"),
        (lambda: host(hidden=(4711,)), "may not look into the server processes 4711",
         "hosts.east_db.ssh.user"),
        (lambda: host(manager="patroni"), "patroni runs on its host and is in charge",
         "it would undo what drtool does. Use "),
    ],
)  # fmt: skip
def test_what_is_unfit_is_told_once_with_its_cure(
    made: Callable[[], Seen], found: str, cure: str
) -> None:
    told = only(judged(scope(), made()))
    assert found in told.found
    assert cure in told.cure


def test_heartbeats_that_stopped_are_told_at_the_primary_alone() -> None:
    whole = seen()
    servers = {
        place: with_server(place, heartbeat=beat(-90)).servers[place] for place in whole.servers
    }
    told = only(judged(scope(), replace(whole, servers=servers)))
    assert (told.subject, told.found) == (EAST, "its newest heartbeat is 1 min 30 s old")
    assert told.cure == "run as a service: drtool heartbeat inventory.yaml orders"


def test_a_heartbeat_that_nobody_promised_is_only_a_warning() -> None:
    def without(document: dict[str, Any]) -> None:
        del document["services"]["orders"]["heartbeat"]

    told = only(judged(scope(without), with_server(EAST, heartbeat=None)))
    assert told.state is State.WARNING


def test_commits_that_a_standby_confirms_do_not_hang() -> None:
    sender = Sender(application_name="west", state="streaming", sync_state="sync")
    made = with_server(EAST, synchronous_standby_names="west", senders=(sender,))
    assert not unfit(judged(scope(), made))


def test_another_cluster_is_told_and_nothing_that_follows_from_it() -> None:
    told = only(judged(scope(), with_server(WEST, system_identifier="1", receiver=None)))
    assert (told.found, told.expected) == ("is of the cluster 1", "7412")
    assert told.cure == 'in inventory.yaml, if it is the right one: system_identifier: "1"'


def test_two_primaries_are_a_split_brain() -> None:
    made = with_server(WEST, in_recovery=False, current=5000, receiver=None)
    told = only(replication.findings(scope(), made))
    assert told.subject == f"{EAST} and {WEST}"
    assert "split brain" in told.found
    assert "drtool reprotect orders.yaml" in told.cure


def test_no_primary_among_servers_that_all_answer() -> None:
    told = only(replication.findings(scope(), with_server(EAST, in_recovery=True)))
    assert "drtool failover orders.yaml --from east" in told.cure


def test_without_the_primary_nothing_is_said_of_the_standbys_link() -> None:
    made = replace(seen(), servers={WEST: server(WEST)})
    assert not unfit(judged(scope(), made))


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (Unreachable("postgresql east.orders_db", "nothing listens", hint="is it started?"),
         "on east_db: pg_ctl -D /srv/pg start; if site east is lost: drtool failover orders.yaml "),
        (AccessDenied("postgresql east.orders_db", "password refused", hint="check the secret"),
         "check the secret; try: psql -h 192.0.2.1 -p 5432 -U postgres postgres"),
        (StepFailed("postgresql east.orders_db", "odd"), "look into its log on east_db; try: psql"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_be_used(error: DrtoolError, cure: str) -> None:
    told = only(judged(scope(), replace(seen(), servers={EAST: error, WEST: server(WEST)})))
    assert told.cure.startswith(cure)


def test_what_the_host_does_not_show_is_told() -> None:
    error = StepFailed("host of east.orders_db", "its answer is cut short")
    told = only(judged(scope(), replace(seen(), data={EAST: error})))
    assert told.cure == "look there: ls -ld /srv/pg"
