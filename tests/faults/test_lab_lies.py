"""Whole runs among liars: under none of them may a run say that its objectives were met."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time

import psycopg
import pytest
from fault_record import Fault
from lab_lies import (
    Cache,
    Echo,
    Hasty,
    WithError,
    another_cluster_at_west,
    disk_full,
    lying_controller,
    orders_from_memory,
    orders_sent_back,
    power_only,
    say_instead,
    unchanging_dns,
)
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

from drtool.lab.endpoint import Endpoint
from drtool.lab.layout import ENDPOINT
from drtool.lab.postgresql import DATABASE, connect
from drtool.lab.processes import process
from drtool.model.event import World
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault]


def not_met(ran: Ran) -> None:
    """The run says neither by its exit code nor by its verdicts that all is well."""
    assert ran.code not in {0, 6}, ran.said
    assert ran.report.outcome is not Outcome.SUCCEEDED
    assert ran.report.recovery_seconds is None
    assert "met" not in {line.judgement for line in ran.report.objectives}, ran.report.objectives
    assert ran.report.reason
    assert ran.report.hint


def takes_writes(lab: PracticeLab, site: str) -> bool:
    try:
        lab.sql(site, "create table lie_detector (); drop table lie_detector")
    except psycopg.Error:
        return False
    return True


def test_l01_a_promotion_that_is_reported_and_not_done(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    promoting = "pg_promote(wait boolean default true, wait_seconds integer default 60)"
    say_instead(lab, promoting, "boolean", "true")
    say_instead(lab, "pg_is_in_recovery()", "boolean", "false")
    assert lab.sql(WEST, "select pg_promote(), pg_is_in_recovery()") == [(True, False)]
    fault.injected("promoted, they say, and west takes no write")
    assert not takes_writes(lab, WEST)
    lab.cut_power(EAST)
    ran = operator.fail_over(runbook=lab.runbook(limits(promote="3s")))
    not_met(ran)
    fault.got(ran.said)
    assert ran.step("promote").outcome is not Outcome.SUCCEEDED
    assert ran.step("redirect").outcome is Outcome.PENDING
    assert not takes_writes(lab, WEST)


def test_l03_a_backend_outlives_its_postmaster_and_ends_before_the_promotion(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    port, password = lab.ports.postgresql, lab.password("orders")
    busy = connect(ADDRESS[EAST], port, "orders", password, DATABASE)
    with contextlib.closing(busy):
        busy.execute("begin")
        busy.execute("insert into probe_writes values ('backend', 1, now())")
        backend = process(busy.info.backend_pid)
        assert backend is not None
        postmaster = process(lab.site(EAST).postgresql.pid or 0)
        assert postmaster is not None
        backend.send(signal.SIGSTOP)
        postmaster.send(signal.SIGKILL)
        wait_until(lambda: not postmaster.runs)
        assert backend.runs
        fault.injected("the postmaster is gone, a backend lives")
        ran = operator.fail_over()
        assert process(backend.pid) is None
        with pytest.raises(psycopg.Error):
            busy.execute("commit")
    assert ran.code == 0, ran.said
    (proof,) = ran.report.proofs
    assert "no server" in proof.proof.evidence
    fault.got(proof.proof.evidence)
    assert lab.sql(WEST, "select 1 from probe_writes where site = 'backend'") == []


def test_l03_a_fence_of_a_copy_while_the_server_itself_runs_on(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    data = lab.layout.site(EAST).data
    copy = data.with_name("copy")
    lab.sql(EAST, "checkpoint")
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("postmaster.pid", "pgsql_tmp*"))

    def elsewhere(document: Document) -> None:
        document["sites"][EAST]["systems"]["orders_db"]["data_directory"] = str(copy)
        document["sites"][EAST]["systems"]["orders_db"]["fence"] = ["ssh"]

    ran = operator.fail_over(
        inventory=lab.inventory(elsewhere), runbook=lab.runbook(limits(fence="8s"))
    )
    assert takes_writes(lab, EAST)
    fault.injected("a copy was fenced, the server itself takes writes")
    assert not takes_writes(lab, WEST)
    not_met(ran)
    fault.got(ran.said)
    assert ran.step("promote").outcome is Outcome.PENDING
    assert f"port {lab.ports.postgresql}" in ran.report.reason


def test_l04_a_controller_that_says_off_while_the_processes_run(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    with lying_controller(lab) as (machine, port):
        ran = operator.fail_over(
            inventory=lab.inventory(power_only(port)), runbook=lab.runbook(limits(fence="3s"))
        )
        assert machine.asked >= 1
        assert not machine.on
        fault.injected("the controller said Off, the processes run")
    not_met(ran)
    fault.got(ran.said)
    assert ran.code == 3
    assert "says Off, yet port" in ran.report.reason
    assert "not believed" in ran.report.reason
    assert ran.step("promote").outcome is Outcome.PENDING
    assert takes_writes(lab, EAST)
    assert lab.whole


def test_l06_dns_updates_that_are_answered_and_change_nothing(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab.cut_power(EAST)
    with unchanging_dns(lab, WEST):
        ran = operator.fail_over(runbook=lab.runbook(limits(redirect="4s")))
        assert named_by(lab, WEST) == ADDRESS[EAST]
        fault.injected("ns_west took the update and changed nothing")
    not_met(ran)
    fault.got(ran.said)
    assert ran.step("redirect").attempts >= 1, ran.said
    assert ran.report.world is World.PROMOTED
    assert "dns server ns_west: took the update, yet answers as before" in ran.report.reason
    assert "Promoted, not redirected" in operator.type("explain", ran.run).out


def test_l07_one_dns_server_keeps_the_old_value(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    with unchanging_dns(lab, EAST):
        ran = operator.fail_over(runbook=lab.runbook(limits(redirect="4s")))
        assert named_by(lab, EAST) == ADDRESS[EAST]
        fault.injected("ns_east took the update and changed nothing")
    assert named_by(lab, WEST) == ADDRESS[WEST]
    not_met(ran)
    fault.got(ran.said)
    assert ran.report.world is World.PROMOTED
    assert "dns server ns_east: took the update, yet answers as before" in ran.report.reason


def named_by(lab: PracticeLab, site: str) -> str:
    return Endpoint(ENDPOINT, ((ADDRESS[site], lab.ports.dns),)).address()


def test_l09_a_write_probe_that_reaches_the_old_site(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    with orders_sent_back(lab):
        ran = operator.fail_over(runbook=lab.runbook(limits(orders_accepted="2s")))
    not_met(ran)
    fault.got(ran.said)
    assert ran.report.world is World.REDIRECTED
    assert "east" in ran.step("orders_accepted").reason
    fault.injected("the reply to the probe says east")


def test_l10_a_service_that_answers_from_a_cache_and_writes_nothing(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab.cut_power(EAST)
    with orders_from_memory(lab, Cache):
        ran = operator.fail_over(runbook=lab.runbook(limits(orders_accepted="2s")))
    not_met(ran)
    fault.got(ran.said)
    assert ran.report.world is World.REDIRECTED
    assert lab.sql(WEST, "select count(*) from orders") == [(0,)]
    fault.injected("the service answered 201 and 200, and no order was written")


def test_l10_a_service_that_gives_back_orders_from_memory_while_nothing_is_committed(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    disk_full(lab)
    lab.cut_power(EAST)
    with orders_from_memory(lab, Echo):
        ran = operator.fail_over(runbook=lab.runbook(limits(row_committed="2s")))
    assert ran.step("orders_accepted").outcome is Outcome.SUCCEEDED
    fault.injected("orders come back from memory, none is committed")
    assert ran.report.outcome is Outcome.FAILED
    assert ran.report.world is World.REDIRECTED
    assert all(line.judgement != "met" for line in ran.report.objectives)
    assert "No space left on device" in ran.step("row_committed").reason
    fault.got(ran.said)


def service_not_believed(
    lab: PracticeLab, operator: Operator, fault: Fault, answers: type[Cache], told: str
) -> None:
    """A failover whose service at west gives its word, and has nothing in the database."""
    lab.cut_power(EAST)
    with orders_from_memory(lab, answers):
        ran = operator.fail_over(runbook=lab.runbook(limits(orders_accepted="2s")))
    assert lab.sql(WEST, "select count(*) from orders") == [(0,)]
    fault.injected(f"the service at west: {(answers.__doc__ or '').strip()}")
    not_met(ran)
    fault.got(ran.said)
    assert ran.report.world is World.REDIRECTED
    assert told in ran.report.reason


def test_l11_a_service_that_answers_200_with_an_error_in_the_body(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    service_not_believed(lab, operator, fault, WithError, "yet says error")


def test_l12_a_service_that_acknowledges_an_order_before_its_commit(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    service_not_believed(lab, operator, fault, Hasty, "is gone")


def test_l13_a_standby_that_belongs_to_another_cluster(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    identifier = another_cluster_at_west(lab)
    seen = lab.site(WEST).postgresql
    assert (seen.state, seen.system_identifier) == ("standby", identifier)
    fault.injected("west is a standby of another cluster")
    lab.cut_power(EAST)
    ran = operator.fail_over(runbook=lab.runbook(limits(loss_now="1s")))
    not_met(ran)
    fault.got(ran.said)
    assert "another cluster" in ran.report.reason
    assert lab.site(WEST).postgresql.state == "standby"


def test_l15_lag_0_with_a_dead_walreceiver(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    lab.sql(WEST, "alter system set primary_conninfo = 'host=127.0.1.1 port=1'")
    lab.sql(WEST, "select pg_reload_conf()")
    streaming = "select count(*) from pg_stat_wal_receiver where status = 'streaming'"
    wait_until(lambda: lab.sql(WEST, streaming) == [(0,)])
    stalled = time.time()
    one = "insert into orders (id, item, site) values (gen_random_uuid(), 'lost', 'east')"
    lab.sql(EAST, one)
    # half a record may have been on its way when the walreceiver died
    lag = "select pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn() < 8192"
    wait_until(lambda: lab.sql(WEST, lag) == [(True,)])
    assert lab.sql(WEST, "select count(*) from orders") == [(0,)]
    fault.injected("no walreceiver, an order is missing, and the lag is 0")

    planned = operator.carry("switchover", runbook=lab.runbook(limits(in_step="2s")))
    not_met(planned)
    fault.got(planned.said)
    assert planned.report.world is World.UNTOUCHED
    assert takes_writes(lab, EAST)

    wait_until(lambda: time.time() > stalled + 3)
    lab.cut_power(EAST)

    def strict(document: Document) -> None:
        document["objectives"]["rpo"] = "1s"
        limits(loss_now="1s")(document)

    ran = operator.fail_over(runbook=lab.runbook(strict))
    not_met(ran)
    assert lab.site(WEST).postgresql.state == "standby"
    assert ran.report.reason.count("allowed") == 1, ran.report.reason


def test_l17_a_rewind_that_only_says_so(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    lab.place_orders(EAST)
    lab.write_alone(EAST)
    lab.cut_power(EAST)
    assert operator.fail_over().code in {0, 6}
    lab.power_back(EAST)
    lying = lab.layout.site(EAST).bin / "pg_rewind"
    called = lab.home / "rewind_was_called"
    lying.write_text(f"#!/bin/sh\necho called >>{called}\necho 'pg_rewind: Done!'\n")

    def only_rewind(document: Document) -> None:
        document["procedures"]["reprotect"][0] |= {"method": "rewind", "budget": "1s"}
        document["procedures"]["reprotect"][0] |= {"deadline": "4s"}

    words = ("--from", EAST, "--to", WEST)
    ran = operator.carry("reprotect", *words, runbook=lab.runbook(only_rewind))
    assert called.exists()
    fault.injected("pg_rewind said Done! and did nothing")
    not_met(ran)
    fault.got(ran.said)
    assert lab.site(EAST).postgresql.state != "standby"

    again = operator.carry("reprotect", *words)
    assert again.code == 0, again.said
    east, west = lab.site(EAST).postgresql, lab.site(WEST).postgresql
    assert (east.state, east.timeline) == ("standby", west.timeline)
    assert "east streaming" in west.followed_by
