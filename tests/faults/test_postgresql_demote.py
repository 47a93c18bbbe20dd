"""A planned stop of the primary: nothing lost, proven, harmless when it comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from driven import drive, facts_of
from fault_record import Fault
from postgresql_pair import both_releases, wait_until
from ssh_host import Hosts

from drtool.action import Facts, Hands, Look
from drtool.actions.postgresql.demote import Demote, Demotion
from drtool.connections.postgresql_host import PostgresqlHostHands, PostgresqlHostReader
from drtool.connections.reach import Connections
from drtool.errors import Refused, StepFailed
from drtool.model.postgresql_host import IN_PRODUCTION
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


@contextmanager
def holding_back(hosts: Hosts, connections: Connections, facts: Facts) -> Iterator[None]:
    """A demotion cut short before the shutdown checkpoint; a commit was not sent to the standby."""
    DEMOTE.observe(Look(connections, facts))
    east, receiver = hosts.pair.east, hosts.pair.west.child_named("walreceiver")
    os.kill(receiver, signal.SIGSTOP)
    try:
        east.sql("CREATE TABLE late AS SELECT 1 AS x")
        os.kill(east.child_named("checkpointer"), signal.SIGSTOP)
        with pytest.raises(StepFailed):
            drive(Demote(drain=Duration(0.5)), connections, facts, seconds=1)
        yield
    finally:
        os.kill(receiver, signal.SIGCONT)


@both_releases
def test_f26_a_primary_that_dies_in_its_fast_stop_was_not_demoted(
    hosts: Hosts, fault: Fault
) -> None:
    connections = hosts.connections()
    facts = facts_of(hosts.inventory(), procedure=Procedure.SWITCHOVER)
    with holding_back(hosts, connections, facts):
        hosts.pair.east.cut_power()
        state = connections.get(PostgresqlHostReader, "east.orders_db").state()
        assert state.standby_signal
        assert not state.running
        assert state.control is not None
        assert state.control.state == IN_PRODUCTION
        fault.injected(f"killed in its fast stop: {state}")
        with pytest.raises(Refused, match=r"it has crashed.* drtool failover") as refused:
            drive(DEMOTE, connections, facts)
    fault.got(str(refused.value))
    connections.close()


@both_releases
def test_f26_f30_what_a_dead_primary_never_sent_is_missed_also_when_it_runs_as_a_standby(
    hosts: Hosts, fault: Fault
) -> None:
    """Its control file then names the checkpoint of the stop before that."""
    east, west = hosts.pair.east, hosts.pair.west
    east.stop()
    east.start()
    wait_until(lambda: east.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    connections = hosts.connections()
    facts = facts_of(hosts.inventory(), procedure=Procedure.SWITCHOVER)
    with holding_back(hosts, connections, facts):
        east.cut_power()
        east.start()
        state = connections.get(PostgresqlHostReader, "east.orders_db").state()
        assert state.control is not None
        assert state.control.checkpoint == state.control.redo, "a shutdown checkpoint"
        fault.injected(f"killed in its fast stop, and started again: {state}")
        with pytest.raises(StepFailed, match=r"but west\.orders_db has received") as failed:
            drive(DEMOTE, connections, facts, seconds=1)
        fault.got(str(failed.value))
    seen = drive(DEMOTE, connections, facts)
    assert seen.everything_received, "the one standby has it from the other"
    wait_until(lambda: west.sql("SELECT count(*) FROM pg_class WHERE relname = 'late'") == [(1,)])
    connections.close()


@contextmanager
def demoted(hosts: Hosts) -> Iterator[tuple[Look, Hands, Demotion]]:
    """A pair whose primary was demoted: the means to look and to act, and what was before."""
    east = hosts.pair.east
    started = f"-p {east.port} -c listen_addresses={east.address} -c unix_socket_directories="
    command = [str(hosts.programs / "pg_ctl"), "-D", str(east.data), "-w", "-l",
               str(east.data.parent / "started.log"), "-o", started, "start"]  # fmt: skip
    changed = {"start_command": command, "release_file": str(released(hosts))}
    connections = hosts.connections(**changed)
    facts = facts_of(hosts.inventory(**changed), procedure=Procedure.SWITCHOVER)
    look, hands = Look(connections, facts), Hands(connections, facts)
    before = DEMOTE.observe(look)
    drive(DEMOTE, connections, facts)
    assert east.process is not None
    east.process.wait(timeout=60)
    try:
        yield look, hands, before
    finally:
        connections.close()


def released(hosts: Hosts) -> Path:
    """What the boot guard would want to see."""
    return hosts.pair.east.data.parent / "drtool.release"


@both_releases
@pytest.mark.parametrize("again", [False, True], ids=["stopped", "started as a standby"])
def test_a_demotion_is_taken_back_while_nobody_is_promoted(hosts: Hosts, again: bool) -> None:
    """Also where a supervisor has started the old primary as a standby meanwhile; twice is once."""
    east, west = hosts.pair.east, hosts.pair.west
    east.sql("CREATE TABLE t AS SELECT 1 AS x")
    with demoted(hosts) as (look, hands, before):
        if again:
            east.start()
        assert DEMOTE.reason_not_to_undo(look, before) is None
        DEMOTE.undo(hands, before)
        DEMOTE.undo(hands, before)
        assert east.sql("SELECT pg_is_in_recovery()") == [(False,)]
        assert east.sql("SELECT x FROM t") == [(1,)]
        assert not (east.data / "standby.signal").exists()
        assert released(hosts).exists()
        assert DEMOTE.changes(DEMOTE.observe(look)), "it is the primary again"
    east.sql("INSERT INTO t VALUES (2)")
    wait_until(lambda: west.sql("SELECT count(*) FROM t") == [(2,)], 60)


def test_a_demotion_stays_once_somebody_else_was_promoted(hosts: Hosts) -> None:
    with demoted(hosts) as (look, _, before):
        hosts.pair.west.sql("SELECT pg_promote()")
        wait_until(lambda: hosts.pair.west.sql("SELECT pg_is_in_recovery()") == [(False,)], 60)
        reason = DEMOTE.reason_not_to_undo(look, before)
        assert reason == "west.orders_db is a primary: east.orders_db would be a second one"


def test_a_demotion_stays_where_nobody_can_see_whether_somebody_was_promoted(
    hosts: Hosts,
) -> None:
    with demoted(hosts) as (look, _, before):
        hosts.pair.west.cut_power()
        reason = DEMOTE.reason_not_to_undo(look, before)
        assert reason is not None
        assert reason.startswith("whether west.orders_db was promoted cannot be seen")


def test_a_signal_that_another_run_left_is_not_removed(hosts: Hosts) -> None:
    with demoted(hosts) as (_, hands, before):
        signal_file = hosts.pair.east.data / "standby.signal"
        signal_file.write_text("drtool run 20200101-000000-0000: fenced\n")
        with pytest.raises(StepFailed, match=r"standby\.signal is not of this run"):
            DEMOTE.undo(hands, before)
        assert signal_file.exists()
        assert not released(hosts).exists()
