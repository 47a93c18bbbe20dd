"""A planned stop of the primary: nothing lost, proven, harmless when it comes back."""

from __future__ import annotations

import os
import signal
import time

import pytest
from driven import drive, facts_of
from postgresql_pair import both_releases, wait_until
from ssh_host import Hosts

from drtool.action import Look
from drtool.actions.postgresql.demote import Demote
from drtool.connections.postgresql_host import PostgresqlHostHands, PostgresqlHostReader
from drtool.errors import Refused, StepFailed
from drtool.model.purpose import Procedure
from drtool.units import Duration

DEMOTE = Demote(drain=Duration(5))


@both_releases
def test_a_demoted_primary_leaves_everything_to_its_standby(hosts: Hosts) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    east.sql("CREATE TABLE t AS SELECT generate_series(1, 100000) AS x")
    connections = hosts.connections()
    facts = facts_of(hosts.inventory(), procedure=Procedure.SWITCHOVER)
    look = Look(connections, facts)
    before = DEMOTE.observe(look)
    assert DEMOTE.reason_not_to_apply(before, facts) is None
    connections.get(PostgresqlHostHands, "east.orders_db")
    begun = time.monotonic()
    seen = drive(DEMOTE, connections, facts)
    took = time.monotonic() - begun
    assert took < 1.0, f"{took:.3f} s"
    assert seen.everything_received
    assert DEMOTE.proofs(seen, facts)[0].final_position == seen.position
    assert (east.data / "standby.signal").read_text().startswith("drtool run")
    assert west.sql("SELECT count(*) FROM t")[0][0] == 100000
    assert east.process is not None
    east.process.wait(timeout=5)
    east.start()
    assert east.sql("SELECT pg_is_in_recovery()")[0][0] is True
    again = DEMOTE.observe(look)
    assert DEMOTE.changes(again) == [], "started again as a standby by a supervisor: still done"
    connections.close()


def test_a_standby_that_does_not_stream_keeps_the_primary_up(hosts: Hosts) -> None:
    hosts.pair.west.sql("ALTER SYSTEM SET primary_conninfo = ''")
    hosts.pair.west.sql("SELECT pg_reload_conf()")
    wait_until(lambda: not hosts.pair.east.sql("SELECT 1 FROM pg_stat_replication"))
    connections = hosts.connections()
    with pytest.raises(Refused, match="does not stream"):
        drive(DEMOTE, connections, facts_of(hosts.inventory()))
    assert hosts.pair.east.sql("SELECT 1")
    assert not (hosts.pair.east.data / "standby.signal").exists()
    connections.close()


def test_a_crashed_primary_is_no_planned_switchover(hosts: Hosts) -> None:
    hosts.pair.east.cut_power()
    connections = hosts.connections()
    with pytest.raises(Refused, match="drtool failover"):
        drive(DEMOTE, connections, facts_of(hosts.inventory()))
    connections.close()


@both_releases
def test_a_standby_frozen_in_the_middle_is_waited_for_and_told(hosts: Hosts) -> None:
    west = hosts.pair.west
    connections = hosts.connections()
    facts = facts_of(hosts.inventory())
    receiver = west.child_named("walreceiver")
    look = Look(connections, facts)
    DEMOTE.observe(look)
    os.kill(receiver, signal.SIGSTOP)
    try:
        hosts.pair.east.sql("CREATE TABLE late(x int)")
        with pytest.raises(StepFailed):
            drive(Demote(drain=Duration(1)), connections, facts, seconds=3)
        state = connections.get(PostgresqlHostReader, "east.orders_db").state()
        assert state.running, "the fast stop waits for its standby; nothing is killed"
    finally:
        os.kill(receiver, signal.SIGCONT)
    seen = drive(DEMOTE, connections, facts)
    assert seen.everything_received
    assert west.sql("SELECT count(*) FROM late")[0][0] == 0
    connections.close()
