"""Whole runs among databases and hosts that lie: under none of them may a run say met."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from fault_record import Fault
from lab_lies import say_instead
from lab_runs import (
    ADDRESS,
    EAST,
    WEST,
    Document,
    Operator,
    PracticeLab,
    Ran,
    limits,
    wait_until,
)
from postgresql_pair import new_cluster
from ssh_host import SshHost

from drtool.lab.processes import process
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault]
STANDBY = "select pg_is_in_recovery()"


def not_met(ran: Ran, lab: PracticeLab) -> None:
    """Neither exit code nor verdicts say that all is well, and west was not promoted."""
    assert ran.code not in {0, 6}, ran.said
    assert ran.report.outcome is not Outcome.SUCCEEDED
    assert ran.report.recovery_seconds is None
    assert "met" not in {line.judgement for line in ran.report.objectives}
    assert ran.report.reason
    assert lab.sql(WEST, STANDBY) == [(True,)]


def test_l02_a_promotion_that_says_true_while_the_server_stays_in_recovery(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    promoting = "pg_promote(wait boolean default true, wait_seconds integer default 60)"
    say_instead(lab, promoting, "boolean", "true")
    assert lab.sql(WEST, "select pg_promote()") == [(True,)]
    assert lab.sql(WEST, STANDBY) == [(True,)]
    fault.injected("pg_promote() says true at west, which stays in recovery")
    lab.cut_power(EAST)
    ran = operator.fail_over(runbook=lab.runbook(limits(promote="3s")))
    fault.got(ran.said)
    not_met(ran, lab)
    assert ran.step("redirect").outcome is Outcome.PENDING


def test_l05_another_host_is_fenced(
    lab: PracticeLab, operator: Operator, tmp_path: Path, fault: Fault
) -> None:
    other = SshHost(tmp_path / "other", ADDRESS[EAST])
    other.start()
    data = new_cluster(tmp_path, "other_data", 5432, "other-password").data

    def leads_elsewhere(document: Document) -> None:
        document["hosts"]["east_db"]["ssh"] |= {
            "port": other.port,
            "user": other.user,
            "host_key": other.host_key,
            "key_file": str(other.key_file),
            "state_directory": str(tmp_path / "state"),
        }
        system = document["sites"][EAST]["systems"]["orders_db"]
        system |= {"data_directory": str(data), "fence": ["ssh"]}

    try:
        ran = operator.fail_over(
            inventory=lab.inventory(leads_elsewhere), runbook=lab.runbook(limits(fence="5s"))
        )
    finally:
        other.stop()
    assert other.said, "the other host was asked to be fenced"
    fault.injected("the way to east leads to another host, with another cluster that is stopped")
    fault.got(ran.said)
    not_met(ran, lab)
    assert "another cluster" in ran.report.reason
    assert ran.step("promote").outcome is Outcome.PENDING
    assert not (data / "standby.signal").exists()
    assert lab.whole


def test_l14_a_heartbeat_from_a_clock_an_hour_ahead(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    beating = process(lab.seen().heartbeat_pid or 0)
    assert beating is not None
    beating.send(signal.SIGSTOP)
    lab.sql(EAST, "update drtool.heartbeat set written_at = now() + interval '1 hour'")
    lab.caught_up(EAST)
    ahead = "select bool_and(written_at > now() + interval '50 minutes') from drtool.heartbeat"
    assert lab.sql(WEST, ahead) == [(True,)]
    fault.injected("the heartbeat that west has is an hour ahead")
    lab.cut_power(EAST)
    ran = operator.fail_over(runbook=lab.runbook(limits(loss_now="1s")))
    fault.got(ran.said)
    not_met(ran, lab)
    assert "in the future" in ran.report.reason


def test_l16_replay_is_paused(lab: PracticeLab, operator: Operator, fault: Fault) -> None:
    lab.sql(WEST, "select pg_wal_replay_pause()")
    wait_until(lambda: lab.sql(WEST, "select pg_get_wal_replay_pause_state()") == [("paused",)], 60)
    order = "insert into orders (id, item, site) values (gen_random_uuid(), 'cup', 'east')"
    lab.sql(EAST, order)
    behind = "select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"
    wait_until(lambda: lab.sql(WEST, behind) == [(True,)], 60)
    fault.injected("replay is paused at west, and an order waits there")
    lab.cut_power(EAST)
    ran = operator.fail_over(runbook=lab.runbook(limits(loss_now="1s")))
    fault.got(ran.said)
    not_met(ran, lab)
    assert "replay is paused" in ran.report.reason


def test_l20_two_systems_that_are_one_server(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    def one_server(document: Document) -> None:
        document["sites"][WEST]["systems"]["orders_db"]["address"] = ADDRESS[EAST]

    def compared(document: Document) -> None:
        step = {"step": "same_rows", "check": "postgresql.in_sync", "at": "to"}
        short = {"tables": ["orders"], "deadline": "2s"}
        document["procedures"]["failover"].insert(0, {**step, **short})

    inventory, runbook = lab.inventory(one_server), lab.runbook(compared)
    fault.injected("west's system leads to east's server")
    ran = operator.fail_over(inventory=inventory, runbook=runbook)
    fault.got(ran.said)
    not_met(ran, lab)
    assert "one and the same server" in ran.report.reason
    assert lab.whole
