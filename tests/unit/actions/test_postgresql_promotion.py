"""What promotion and checks judge, from values alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drtool.action import Entry, Facts
from drtool.actions.postgresql.data_loss import CheckDataLoss
from drtool.actions.postgresql.in_sync import CheckInSync, Comparison
from drtool.actions.postgresql.promote import Promote
from drtool.actions.postgresql.promotion import Promotion
from drtool.actions.postgresql.replay_backlog import CheckReplayBacklog, backlog_of
from drtool.actions.postgresql.reprotect import Reprotect
from drtool.actions.postgresql.role import CheckRole
from drtool.actions.postgresql.write_probe import WriteProbe
from drtool.errors import hint_of
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.plan import Objectives
from drtool.model.proof import AcceptedLoss, Proof, ProofKind
from drtool.model.purpose import Mode, Procedure
from drtool.model.replication import (
    DataLoss,
    ManagerSign,
    Receiver,
    Replication,
    TableSum,
)
from drtool.testing import check_action
from drtool.units import Duration

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SYSTEM = {"kind": "postgresql", "data_directory": "/srv/pg", "system_identifier": "7412"}
INVENTORY = Inventory.model_validate({
    "version": 1,
    "services": {"orders": {"preferred": "east"}},
    "sites": {
        site: {"address": f"127.0.{number}.1", "systems": {"db": {**SYSTEM, "host": f"{site}_db"}}}
        for number, site in ((1, "east"), (2, "west"))
    },
    "hosts": {"east_db": {}, "west_db": {}},
})  # fmt: skip
PROOF = Proof(
    kind=ProofKind.PROCESSES, subject="east.db", identity="7412", evidence="no process",
    at=NOW, max_age=Duration(60), durable=True,
)  # fmt: skip


def facts(**changed: Any) -> Facts:
    given: dict[str, Any] = {
        "run": "r", "step": "promote", "mode": Mode.LIVE, "procedure": Procedure.FAILOVER,
        "service": "orders", "inventory": INVENTORY, "started": NOW, "proofs": (PROOF,),
        "direction": Direction(from_site="east", to_site="west"),
        "at": Place(site="west", system="db"), "objectives": Objectives(rpo=Duration(10)),
        **changed,
    }  # fmt: skip
    return Facts(**given)


def server(place: str = "west.db", *, standby: bool = True, **changed: Any) -> Replication:
    given: dict[str, Any] = {
        "place": place, "in_recovery": standby, "read_only": standby,
        "system_identifier": "7412", "timeline": 1, "received": 900, "replayed": 900,
        "current": 900, "server_version": 170000, "now": NOW,
        "started_at": NOW - timedelta(hours=1 if place == "west.db" else 2), **changed,
    }  # fmt: skip
    return Replication(**given)


def loss(seconds: float | None = 1.0, **changed: Any) -> DataLoss:
    return DataLoss(place="west.db", seconds=seconds, source="newest heartbeat", **changed)


def seen(replication: Replication | None = None, **changed: Any) -> Promotion:
    at = replication or server()
    given: dict[str, Any] = {
        "place": "west.db", "from_place": "east.db", "role": at.role, "timeline": at.timeline,
        "system_identifier": at.system_identifier, "position": at.position, "replication": at,
        "loss": loss(), "limit": Duration(10), "fenced": True, "at": NOW, **changed,
    }  # fmt: skip
    return Promotion(**given)


@pytest.mark.parametrize(
    ("entry", "example"),
    [
        (Promote, {"max_data_loss": "10s"}),
        (Reprotect, {}),
        (WriteProbe, {"limit": "3s"}),
        (CheckDataLoss, {"max": "0s"}),
        (CheckReplayBacklog, {"max_bytes": 0, "max_age": "5s"}),
        (CheckInSync, {"tables": ["orders", "public.lines"]}),
        (CheckRole, {"role": "primary"}),
    ],
)
def test_each_keeps_the_contract(entry: type[Entry], example: dict[str, Any]) -> None:
    at = Place(site="east" if entry is Reprotect else "west", system="db")
    check_action(entry, example, facts(at=at))


def test_a_fenced_and_received_candidate_is_let_through() -> None:
    assert Promote().reason_not_to_apply(seen(), facts()) is None
    (change,) = Promote().changes(seen())
    assert str(change) == (
        "postgresql west.db: standby on timeline 1 -> primary on a timeline of its own"
    )


@pytest.mark.parametrize(
    ("what", "known", "words"),
    [
        ({}, {"proofs": ()}, "no fence of east.db"),
        ({"at": NOW + timedelta(minutes=5)}, {}, "good for"),
        ({"loss": loss(11.0)}, {}, "would lose 11.0 s"),
        ({"loss": loss(None, reason="nothing known")}, {}, "is unknown: nothing known"),
        ({"loss": loss(replay_paused=True)}, {}, "replay is paused"),
        ({"replication": server(system_identifier="99")}, {}, "this is another cluster"),
        (
            {"managers": (ManagerSign(manager="Patroni", sign="a session is named Patroni"),)},
            {},
            "use patroni.promote, with `kind: patroni` in the inventory",
        ),
        (
            {"before": server("east.db", standby=False)},
            {},
            "it was said to be fenced, but it answers",
        ),
        (
            {"before": server("east.db", timeline=2)},
            {},
            "it did not follow the last promotion",
        ),
    ],
)
def test_each_reason_is_a_sentence(what: dict[str, Any], known: dict[str, Any], words: str) -> None:
    replication = what.pop("replication", None)
    reason = Promote().reason_not_to_apply(seen(replication, **what), facts(**known))
    assert words in (reason or "")


@pytest.mark.parametrize("amount", [None, 11.0])
def test_a_loss_can_be_accepted_where_the_procedure_lets_one(amount: float | None) -> None:
    lossy = loss(amount, reason="nothing known")
    refusals = (
        Promote().reason_not_to_apply(seen(loss=lossy), facts()),
        CheckDataLoss().judge(lossy, facts()),
    )
    for reason in refusals:
        assert f"--accept-data-loss {'11s' if amount else 'unknown'} --reason" in hint_of(reason)
    planned = facts(procedure=Procedure.SWITCHOVER)
    assert hint_of(CheckDataLoss().judge(lossy, planned)) == ""
    known = facts(accepted_loss=AcceptedLoss(at_most="unknown", by="ann", reason="all is lost"))
    assert Promote().reason_not_to_apply(seen(loss=lossy), known) is None
    assert CheckDataLoss().judge(lossy, known) is None


def test_a_primary_whose_fence_is_proven_is_adopted_and_one_without_is_split_brain() -> None:
    primary = server(standby=False, timeline=2)
    assert Promote().changes(seen(primary)) == []
    doubtful = seen(primary, fenced=False)
    assert Promote().changes(doubtful)
    assert "split brain suspected" in (Promote().reason_not_to_apply(doubtful, facts()) or "")
    other = seen(primary, fenced=False, before=server("east.db", standby=False))
    reason = Promote().reason_not_to_apply(other, facts()) or ""
    assert "timeline 2, while east.db is primary on timeline 1" in reason
    harmless = seen(primary, fenced=False, before=server("east.db"))
    assert Promote().changes(harmless) == []


def test_a_primary_that_takes_no_writes_is_not_done() -> None:
    stuck = seen(server(standby=False, read_only=True))
    assert [change.after for change in Promote().changes(stuck)] == ["primary, writable"]
    assert "default_transaction_read_only" in (Promote().reason_not_to_apply(stuck, facts()) or "")


def test_hanging_commits_are_a_change_of_their_own() -> None:
    named = server(standby=False, synchronous_standby_names="east")
    assert Promote().changes(seen(named)) == []
    (change,) = Promote().changes(seen(named, commits_hang=True))
    assert str(change) == (
        "postgresql west.db synchronous_standby_names: 'east' -> '' until a standby follows, then: "
        "ALTER SYSTEM SET synchronous_standby_names = 'east'"
    )


def test_it_waits_for_a_long_replay_only_while_the_loss_depends_on_it() -> None:
    behind = loss(60.0, received_not_replayed_bytes=1 << 24)
    assert "to replay before the loss can be judged" in (
        Promote().reason_to_wait(seen(loss=behind)) or ""
    )
    fine = loss(1.0, received_not_replayed_bytes=1 << 24)
    assert Promote().reason_to_wait(seen(loss=fine)) is None
    paused = behind.model_copy(update={"replay_paused": True})
    assert Promote().reason_to_wait(seen(loss=paused)) is None


def test_in_a_planned_procedure_nothing_may_be_lost_and_the_stream_must_be_up() -> None:
    planned = facts(procedure=Procedure.SWITCHOVER)
    check = CheckDataLoss()
    assert check.judge(loss(0.0, primary_answers=True, streaming=True), planned) is None
    assert "0.00 s that is allowed" in (check.judge(loss(0.5), planned) or "")
    cut_off = loss(0.0, primary_answers=True, streaming=False)
    assert "no walreceiver" in (check.judge(cut_off, planned) or "")
    assert check.judge(cut_off, facts()) is None


def test_a_backlog_is_judged_by_bytes_and_by_age() -> None:
    behind = server(received=5000, last_commit=NOW - timedelta(seconds=9))
    found = backlog_of(behind)
    assert (found.bytes, found.seconds) == (4100, 9.0)
    assert CheckReplayBacklog(max_bytes=5000).judge(found, facts()) is None
    assert "4100 bytes" in (CheckReplayBacklog(max_bytes=4000).judge(found, facts()) or "")
    aged = CheckReplayBacklog(max_age=Duration(5))
    assert "9.00 s ago" in (aged.judge(found, facts()) or "")
    assert "paused" in (aged.judge(found.model_copy(update={"paused": True}), facts()) or "")


def test_roles() -> None:
    receiver = Receiver(status="streaming")
    assert CheckRole(role="standby").judge(server(receiver=receiver), facts()) is None
    assert "no walreceiver" in (CheckRole(role="standby").judge(server(), facts()) or "")
    assert "expected a primary" in (CheckRole(role="primary").judge(server(), facts()) or "")
    assert CheckRole(role="primary").judge(server(standby=False), facts()) is None


def test_tables_are_compared_between_two_servers_of_one_cluster() -> None:
    def compared(here: Replication, there: Replication, rows: int = 3) -> str | None:
        one = TableSum(table="orders", rows=3, checksum="77")
        two = TableSum(table="orders", rows=rows, checksum="77" if rows == 3 else "78")
        comparison = Comparison(here=here, there=there, tables_here=(one,), tables_there=(two,))
        return CheckInSync(tables=("orders",)).judge(comparison, facts())

    west, east = server(), server("east.db", standby=False)
    assert compared(west, east) is None
    assert "3 rows at west.db, 4 at east.db" in (compared(west, east, 4) or "")
    twin = east.model_copy(update={"started_at": west.started_at})
    assert "one and the same server" in (compared(west, twin) or "")
    assert "two primaries" in (compared(server(standby=False), east) or "")
    stranger = east.model_copy(update={"system_identifier": "1"})
    assert "different clusters" in (compared(west, stranger) or "")
