"""What can befall the new primary in a whole run: it dies, its commits hang, its disk is full."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fault_record import Fault
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
from small_disk import SmallDisk, small_disk

from drtool.lab.listening import takes_connections
from drtool.lab.processes import Process, descendants, process
from drtool.model.event import World
from drtool.model.purpose import Outcome
from drtool.progress.state import fold

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault]
FAILOVER = ("--from", EAST, "--to", WEST, "--outage-since", "1s")


def held_after(step: str, gate: Path, **deadlines: str) -> Callable[[Document], None]:
    """The runbook, with a step on west's host that ends when the gate is there."""
    waits = ["sh", "-c", f"until [ -e {gate} ]; do sleep 0.05; done"]
    hold = {"step": "hold", "action": "ssh.run", "at": "to.west_db", "purpose": "assess"}

    def change(document: Document) -> None:
        limits(**deadlines)(document)
        failover = document["procedures"]["failover"]
        place = [one.get("step") for one in failover].index(step)
        failover.insert(place + 1, {**hold, "argv": waits, "deadline": "60s", "budget": "5s"})

    return change


def held(lab: PracticeLab, operator: Operator, step: str, **deadlines: str) -> tuple[str, Path]:
    """A failover that stands still after a step; its id, and the gate that lets it go on."""
    gate = lab.home / f"gate-after-{step}"
    lab.cut_power(EAST)
    run = operator.start(
        "failover", *FAILOVER, runbook=lab.runbook(held_after(step, gate, **deadlines))
    )
    operator.wait_for_consent(run)
    assert operator.approve(run, "consent").code == 0
    wait_until(lambda: operator.under_way(run, "hold"), 60)
    return run, gate


def kill_postgresql(lab: PracticeLab, site: str) -> None:
    """Every process of a site's server, at once."""
    pid = lab.site(site).postgresql.pid
    assert pid is not None
    found = [one for one in (process(pid), *descendants(pid)) if one is not None]
    for one in found:
        one.send(signal.SIGSTOP)
    for one in found:
        one.send(signal.SIGKILL)
    wait_until(lambda: not any(one.runs for one in found))


def nothing_is_writable(lab: PracticeLab) -> bool:
    port = lab.ports.postgresql
    return not any(takes_connections(ADDRESS[site], port) for site in (EAST, WEST))


def startup_of(lab: PracticeLab, site: str) -> Process:
    """The process that replays, and that ends the recovery."""
    pid = lab.site(site).postgresql.pid or 0
    return next(
        one
        for one in descendants(pid)
        if b"startup" in Path(f"/proc/{one.pid}/cmdline").read_bytes()
    )


@contextmanager
def wests_small_disk(lab: PracticeLab) -> Iterator[SmallDisk | str]:
    """West's data directory on a disk of its own, streaming as before; or why it cannot be."""
    data = lab.layout.site(WEST).data
    aside = data.with_name("data.aside")
    lab.service(WEST, "stop", "postgresql")
    data.rename(aside)
    with small_disk(data, 256) as disk:
        if isinstance(disk, SmallDisk):
            data.chmod(0o700)
            shutil.copytree(aside, data, symlinks=True, dirs_exist_ok=True)
            lab.service(WEST, "start", "postgresql")
            wait_until(lambda: "west streaming" in lab.site(EAST).postgresql.followed_by, 60)
        yield disk


def stopped_and_said_so(operator: Operator, ran: Ran, world: World, words: str) -> None:
    assert ran.code in {1, 5}, ran.said
    assert ran.report.world is world, ran.said
    assert ran.report.outcome is not Outcome.SUCCEEDED
    assert ran.report.recovery_seconds is None
    assert "met" not in {line.judgement for line in ran.report.objectives}
    assert ran.step("redirect").outcome is Outcome.PENDING
    assert words in operator.type("explain", ran.run).out


def promoted_and_not_met(ran: Ran) -> None:
    assert (ran.code, ran.report.outcome) == (1, Outcome.FAILED), ran.said
    assert ran.report.world is World.REDIRECTED
    assert ran.report.recovery_seconds is None
    assert "met" not in {line.judgement for line in ran.report.objectives}


def test_f44_a_candidate_that_dies_after_the_fence(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab, since = spoiled_lab, datetime.now(UTC).isoformat()
    run, gate = held(lab, operator, "fence", promote="3s")
    kill_postgresql(lab, WEST)
    assert nothing_is_writable(lab)
    fault.injected("east is fenced, and west's server is killed")
    gate.touch()
    ran = operator.follow(run)
    fault.got(ran.said)
    stopped_and_said_so(operator, ran, World.FENCED, "NOTHING IS WRITABLE")
    assert nothing_is_writable(lab)

    lab.service(WEST, "start", "postgresql")
    again = operator.fail_over("--outage-since", since)
    assert again.code == 0, again.said
    assert lab.world().roles == {EAST: "stopped", WEST: "primary"}


def test_f44_a_candidate_that_loses_its_power_in_the_middle_of_its_promotion(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    lab.cut_power(EAST)
    frozen = startup_of(lab, WEST)
    frozen.send(signal.SIGSTOP)
    run = operator.start("failover", *FAILOVER, runbook=lab.runbook(limits(promote="6s")))
    operator.wait_for_consent(run)
    assert operator.approve(run, "consent").code == 0
    wait_until(lambda: fold(operator.events(run)).step("promote").intent_at, 60)
    lab.cut_power(WEST)
    assert nothing_is_writable(lab)
    fault.injected("west's power is cut while it is being promoted")
    ran = operator.follow(run)
    fault.got(ran.said)
    stopped_and_said_so(operator, ran, World.IN_DOUBT, "IN DOUBT")


def test_f45_commits_of_the_new_primary_hang(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    run, gate = held(lab, operator, "promote", orders_accepted="4s", row_committed="4s")
    lab.sql(WEST, "alter system set synchronous_standby_names = 'nobody'")
    lab.sql(WEST, "select pg_reload_conf()")
    customer = threading.Thread(target=lab.sql, args=(WEST, "create table hangs ()"), daemon=True)
    customer.start()
    waiting = "select 1 from pg_stat_activity where wait_event = 'SyncRep'"
    wait_until(lambda: lab.sql(WEST, waiting))
    fault.injected("a commit at west waits for a synchronous standby that is not there")
    gate.touch()
    ran = operator.follow(run)
    fault.got(ran.said)
    promoted_and_not_met(ran)
    assert "no synchronous standby confirmed it" in ran.step("row_committed").reason
    lab.sql(WEST, "alter system reset synchronous_standby_names")
    lab.sql(WEST, "select pg_reload_conf()")
    customer.join(20)


def test_f46_the_disk_of_the_new_primary_is_full(
    spoiled_lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab = spoiled_lab
    with wests_small_disk(lab) as disk:
        if isinstance(disk, str):
            fault.cannot_inject(disk)
            return
        run, gate = held(lab, operator, "promote", orders_accepted="4s", row_committed="4s")
        taken = disk.fill()
        assert disk.full
        fault.injected(f"the last {taken >> 20} MB of west's disk are taken")
        gate.touch()
        ran = operator.follow(run)
        fault.got(ran.said)
        promoted_and_not_met(ran)
        assert "No space left on device" in ran.step("row_committed").reason
        kill_postgresql(lab, WEST)
