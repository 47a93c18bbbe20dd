"""What cannot be proven is refused, told in time, and leaves a state with a name."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator

import pytest
from lab_runs import (
    EAST,
    WEST,
    Document,
    Operator,
    PracticeLab,
    Ran,
    limits,
    wait_until,
)

from drtool.lab.processes import Process, descendants, process
from drtool.model.event import RunEnded, StepStarted, World
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults]
FENCE_SECONDS = 3.0
TOLD_WITHIN = 5.0
SEEN = "I stand before the rack and it is dark"


def no_controller(document: Document) -> None:
    """East's power controller where nobody listens."""
    document["hosts"]["east_db"]["power"]["redfish"] = "https://127.0.1.1:1"


@contextlib.contextmanager
def no_ssh(lab: PracticeLab) -> Iterator[None]:
    lab.service(EAST, "stop", "ssh")
    assert not lab.site(EAST).ssh.answers
    try:
        yield
    finally:
        lab.service(EAST, "start", "ssh")
        wait_until(lambda: lab.site(EAST).ssh.answers)


@contextlib.contextmanager
def frozen(lab: PracticeLab) -> Iterator[None]:
    """East's whole PostgreSQL server stops in the middle of whatever it does."""
    pid = lab.site(EAST).postgresql.pid
    assert pid is not None
    found = [one for one in (process(pid), *descendants(pid)) if isinstance(one, Process)]
    for one in found:
        one.send(signal.SIGSTOP)
    assert lab.site(EAST).postgresql.state == "no answer"
    try:
        yield
    finally:
        for one in found:
            one.send(signal.SIGCONT)
    wait_until(lambda: "west streaming" in lab.site(EAST).postgresql.followed_by)


def seconds_after_the_deadline(ran: Ran) -> float:
    """From the end of the fence's deadline until the run said how it ended."""
    began = min(
        event.at.monotonic
        for event in ran.events
        if isinstance(event.body, StepStarted) and event.body.step == "fence"
    )
    (told,) = (event.at.monotonic for event in ran.events if isinstance(event.body, RunEnded))
    return told - began - FENCE_SECONDS


def refused_in_time(ran: Ran, lab: PracticeLab) -> None:
    assert (ran.code, ran.report.outcome) == (3, Outcome.REFUSED), ran.said
    assert seconds_after_the_deadline(ran) < TOLD_WITHIN
    assert ran.step("fence").outcome is Outcome.REFUSED
    assert ran.step("promote").outcome is Outcome.PENDING
    assert ran.report.world is World.IN_DOUBT
    assert ran.report.proofs == ()
    assert lab.site(WEST).postgresql.state == "standby"
    assert "met" not in {line.judgement for line in ran.report.objectives}


def test_without_any_path_to_a_fence_nothing_is_promoted(
    lab: PracticeLab, operator: Operator
) -> None:
    runbook = lab.runbook(limits(fence=f"{FENCE_SECONDS:g}s"))
    with no_ssh(lab):
        inventory = lab.inventory(no_controller)
        ran = operator.fail_over(inventory=inventory, runbook=runbook)
        refused_in_time(ran, lab)
        assert "not proven" in ran.report.reason
        assert "ssh host east_db" in ran.report.reason
        assert "power controller of east_db" in ran.report.reason
        explained = operator.type("explain", ran.run).out
        assert "may still be writing" in explained
        assert "--state-fenced" in explained

        stated = operator.fail_over("--state-fenced", SEEN, inventory=inventory, runbook=runbook)
        refused_in_time(stated, lab)
        assert "takes connections" in stated.report.reason
        assert [line.reason for line in stated.report.statements] == [SEEN]
    assert lab.site(EAST).postgresql.state == "primary"


def test_a_frozen_primary_that_cannot_be_fenced_is_not_replaced(
    lab: PracticeLab, operator: Operator
) -> None:
    runbook = lab.runbook(limits(fence=f"{FENCE_SECONDS:g}s"))
    with no_ssh(lab), frozen(lab):
        began = time.monotonic()
        ran = operator.fail_over(inventory=lab.inventory(no_controller), runbook=runbook)
        assert time.monotonic() - began < 60
        refused_in_time(ran, lab)
    assert lab.site(EAST).postgresql.state == "primary"


def test_a_statement_lets_the_run_go_on_and_is_never_called_proof(
    lab: PracticeLab, operator: Operator
) -> None:
    lab.cut_power(EAST)
    run = operator.start(
        *("failover", "--from", EAST, "--to", WEST, "--outage-since", "1s"),
        inventory=lab.inventory(no_controller),
    )
    operator.wait_for_consent(run)
    operator.approve(run, "consent")
    wait_until(lambda: operator.under_way(run, "fence"))
    unnamed = operator.type("state", run, "fence", "--service", "billing", "--reason", SEEN)
    assert unnamed.code == 2
    said = operator.type("state", run, "fence", "--service", "orders", "--reason", SEEN)
    assert said.code == 0, said.said
    ran = operator.follow(run)
    assert ran.code in {0, 6}, ran.said
    assert lab.world().roles == {EAST: "stopped", WEST: "primary"}
    assert ran.report.proofs == ()
    (statement,) = ran.report.statements
    assert statement.reason == SEEN
    assert "proven by" not in ran.report.paragraph
    for words in (["explain", run], ["report", run]):
        told = operator.type(*words).out
        assert "statement proof" not in told
        assert SEEN in " ".join(told.split()) or words[0] == "explain", told


def test_a_denied_consent_and_an_abort_while_it_waits_leave_everything_untouched(
    lab: PracticeLab, operator: Operator
) -> None:
    before = lab.world()
    for words in (("deny", "consent"), ("abort",)):
        run = operator.start("failover", "--from", EAST, "--to", WEST, "--outage-since", "1s")
        operator.wait_for_consent(run)
        verb, *step = words
        typed = operator.type(verb, run, *step, "--reason", "wrong alarm")
        assert typed.code == 0, typed.said
        ran = operator.follow(run, consent=False)
        assert (ran.code, ran.report.outcome) == (4, Outcome.ABORTED)
        assert ran.report.world is World.UNTOUCHED
        assert "wrong alarm" in ran.report.reason
        assert "Untouched" in operator.type("explain", run).out
    assert lab.world() == before
    assert lab.whole
