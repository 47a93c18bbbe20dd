"""There and back again: demote, promote, reprotect, in both directions, and the checks between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from driven import drive, facts_of
from postgresql_pair import Server, both_releases, wait_until
from ssh_host import Hosts

from drtool.action import Hands, Look
from drtool.actions.postgresql.data_loss import CheckDataLoss
from drtool.actions.postgresql.demote import Demote
from drtool.actions.postgresql.promote import Promote
from drtool.actions.postgresql.replay_backlog import CheckReplayBacklog
from drtool.actions.postgresql.reprotect import Reprotect
from drtool.actions.postgresql.role import CheckRole
from drtool.actions.postgresql.write_probe import WriteProbe
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.errors import Refused
from drtool.model.inventory import Inventory
from drtool.model.place import Place
from drtool.model.purpose import Procedure
from drtool.redact import Redactor


def inventory_of(hosts: Hosts) -> Inventory:
    """Each server is started as its own supervisor would."""
    plain = hosts.inventory().model_dump(mode="json")
    for server in (hosts.pair.east, hosts.pair.west):
        plain["sites"][server.site]["systems"]["orders_db"]["start_command"] = start_of(
            hosts, server
        )
    return Inventory.model_validate(plain)


def start_of(hosts: Hosts, server: Server) -> list[str]:
    options = f"-p {server.port} -c listen_addresses={server.address} -c unix_socket_directories="
    log = str(server.data.parent / "started.log")
    return [str(hosts.programs / "pg_ctl"), "-D", str(server.data), "-w", "-l", log,
            "-o", options, "start"]  # fmt: skip


@pytest.fixture
def connections(hosts: Hosts) -> Iterator[Connections]:
    made = Connections(
        Context(inventory_of(hosts), Secrets(Redactor()), SystemClock(), run="test-run")
    )
    yield made
    made.close()
    for server in (hosts.pair.east, hosts.pair.west):
        ended = server.process is None or server.process.poll() is not None
        if ended and (server.data / "postmaster.pid").exists():
            with contextlib.suppress(AssertionError):  # what power cut off has left its pid file
                server.tool("pg_ctl", "-D", str(server.data), "-m", "immediate", "stop")


def switch(
    hosts: Hosts,
    connections: Connections,
    left: Server,
    taking: Server,
    timeline: int,
    *,
    shown: list[str] | None = None,
) -> None:
    """A planned switchover, as the engine would drive it."""
    inventory = connections.context.inventory
    at_left = facts_of(
        inventory,
        left.site,
        procedure=Procedure.SWITCHOVER,
        from_site=left.site,
        to_site=taking.site,
    )
    at_taking = at_left.model_copy(update={"at": Place(site=taking.site, system="orders_db")})
    check = CheckDataLoss()
    loss = check.observe(Look(connections, at_taking))
    assert check.judge(loss, at_taking) is None
    assert loss.seconds == 0.0
    demote = Demote()
    demoted = drive(demote, connections, at_left)
    if left.process is not None:
        left.process.wait(timeout=5)
    proofs = tuple(demote.proofs(demoted, at_left))
    assert proofs[0].final_position is not None
    proven = at_taking.model_copy(update={"proofs": proofs})
    assert Promote().observe(Look(connections, proven)).timeline == timeline
    promoted = drive(Promote(), connections, proven)
    assert (promoted.role, promoted.timeline) == ("primary", timeline + 1)
    probe = WriteProbe().run(Hands(connections, proven))
    assert probe.seconds < 5
    seen = drive(Reprotect(), connections, at_left, shown=shown)
    assert seen.following
    assert seen.loose_ends is not None
    assert seen.loose_ends.changes == []
    for role, facts in (("standby", at_left), ("primary", at_taking)):
        judged = CheckRole.model_validate({"role": role})
        assert judged.judge(judged.observe(Look(connections, facts)), facts) is None
    assert taking.sql("SELECT slot_name, active FROM pg_replication_slots") == [("drtool", True)]
    assert left.sql("SELECT count(*) FROM pg_replication_slots") == [(0,)]
    backlog = CheckReplayBacklog(max_bytes=0)
    wait_until(lambda: backlog.judge(backlog.observe(Look(connections, at_left)), at_left) is None)


@both_releases
def test_there_and_back_again_without_losing_a_row(hosts: Hosts, connections: Connections) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    east.sql("CREATE TABLE orders (id int PRIMARY KEY)")
    east.sql("INSERT INTO orders VALUES (1)")
    switch(hosts, connections, east, west, timeline=1)
    west.sql("INSERT INTO orders VALUES (2)")
    switch(hosts, connections, west, east, timeline=2)
    east.sql("INSERT INTO orders VALUES (3)")
    wait_until(lambda: west.sql("SELECT array_agg(id ORDER BY id) FROM orders") == [([1, 2, 3],)])
    assert east.sql("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)") == [("00000003",)]


def wait_for_standby(server: Server, names: str) -> None:
    server.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    server.sql("SELECT pg_reload_conf()")
    wait_until(lambda: waited_for(server) == names)


def waited_for(server: Server) -> object:
    return server.sql("SHOW synchronous_standby_names")[0][0]


@both_releases
def test_what_a_promotion_emptied_is_set_again_once_its_standby_has_caught_up(
    hosts: Hosts, connections: Connections
) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    wait_for_standby(west, "ANY 1 (east, south)")
    wait_for_standby(east, "west")
    shown: list[str] = []
    switch(hosts, connections, east, west, 1, shown=shown)
    assert shown[-1] == (
        "postgresql east.orders_db in synchronous_standby_names of west.orders_db: emptied by its "
        "promotion, 'ANY 1 (east, south)' before -> 'ANY 1 (east, south)'"
    )
    wait_until(lambda: waited_for(west) == "ANY 1 (east, south)")
    assert west.sql("SELECT sync_state FROM pg_stat_replication") == [("quorum",)]
    west.sql("CREATE TABLE orders (id int)")
    switch(hosts, connections, west, east, 2)
    wait_until(lambda: waited_for(east) == "west")
    assert east.sql("SELECT sync_state FROM pg_stat_replication") == [("sync",)]
    for server in (east, west):
        kept = (server.data / "postgresql.auto.conf").read_text()
        assert "drtool." not in kept


def test_names_that_would_hang_every_commit_stay_empty_and_are_told(
    hosts: Hosts, connections: Connections
) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    wait_for_standby(west, "west")
    shown: list[str] = []
    switch(hosts, connections, east, west, 1, shown=shown)
    assert "'west' before -> left empty" in shown[-1]
    assert shown[-1].endswith("ALTER SYSTEM SET synchronous_standby_names = 'east'")
    assert waited_for(west) == ""
    west.sql("CREATE TABLE orders (id int)")


def test_a_crashed_primary_is_no_case_for_reprotect(hosts: Hosts, connections: Connections) -> None:
    hosts.pair.east.cut_power()
    hosts.pair.west.sql("SELECT pg_promote()")
    facts = facts_of(connections.context.inventory, procedure=Procedure.REPROTECT)
    with pytest.raises(Refused, match=r"postgresql\.reinstate"):
        drive(Reprotect(), connections, facts)
