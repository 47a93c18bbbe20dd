"""Real runs in the hands of a person at another terminal: paused, retried, handed over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from lab_runs import ADDRESS, EAST, WEST, Document, Operator, PracticeLab, steps_of, wait_until

from drtool.model.event import LeaseEnded, LeaseTaken, World
from drtool.model.purpose import Outcome
from drtool.progress.state import fold

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
MINUTE = 60.0


def asks_a_person(document: Document) -> None:
    """The verified write asks what to do when it fails."""
    for step in steps_of(document):
        if step["step"] == "orders_accepted":
            step.update({"on_failure": "ask", "deadline": "5s"})
        if step["step"] == "consent":
            step["approval"]["budget"] = "2m"


def patient(document: Document) -> None:
    """Nobody hurries a person who reads."""
    for step in steps_of(document):
        if step["step"] == "consent":
            step["approval"]["budget"] = "2m"
        if step["step"] == "demote":
            step["deadline"] = "2m"


def outcome(operator: Operator, run: str, step: str) -> Outcome:
    return fold(operator.events(run)).step(step).outcome


def steered(operator: Operator, *words: str) -> str:
    typed = operator.type(*words)
    assert typed.code == 0, typed.said
    return typed.out


def test_a_failover_is_paused_continued_and_its_failed_step_retried(
    lab: PracticeLab, operator: Operator
) -> None:
    lab.place_orders(EAST)
    before = lab.world()
    lab.cut_power(EAST)
    lab.service(WEST, "stop", "orders")
    words = ("--from", EAST, "--to", WEST, "--outage-since", "1s")
    run = operator.start("failover", *words, runbook=lab.runbook(asks_a_person))
    operator.wait_for_consent(run)
    said = steered(operator, "pause", run, "--reason", "wait for the storage team")
    assert f"drtool continue {run}" in said
    wait_until(lambda: fold(operator.events(run)).paused, MINUTE)
    operator.approve(run, "consent")
    wait_until(lambda: outcome(operator, run, "consent") is Outcome.SUCCEEDED, MINUTE)
    told = operator.type("explain", run).out
    assert "paused" in told
    assert "wait for the storage team" in told
    assert f"drtool continue {run}" in told
    assert f"drtool continue {run}" in operator.type("status", run).out
    assert outcome(operator, run, "fence") is Outcome.PENDING
    again = operator.type("pause", run)
    assert (again.code, f"drtool continue {run}" in again.err) == (2, True)
    fenced = operator.type("skip", run, "fence", "--reason", "it is dark anyway")
    assert (fenced.code, "drtool state" in fenced.err) == (3, True)

    steered(operator, "continue", run)
    wait_until(lambda: operator.waits(run, "orders_accepted"), MINUTE)
    lab.service(WEST, "start", "orders")
    steered(operator, "retry", run, "orders_accepted", "--reason", "orders runs again")
    ran = operator.follow(run)

    assert (ran.code, ran.report.outcome) == (0, Outcome.SUCCEEDED), ran.said
    assert ran.report.world is World.RECOVERED
    assert [line.verb for line in ran.report.steered] == ["pause", "continue", "retry"]
    assert ran.report.steered[0].reason == "wait for the storage team"
    after = lab.world()
    assert after.names[WEST] == ADDRESS[WEST]
    assert before.orders <= after.orders


def test_a_switchover_whose_primary_dies_is_handed_over_to_a_failover(
    lab: PracticeLab, operator: Operator
) -> None:
    lab.place_orders(EAST)
    before = lab.world()
    run = operator.start("switchover", "--from", EAST, "--to", WEST, runbook=lab.runbook(patient))
    operator.wait_for_consent(run, "start")
    steered(operator, "pause", run)
    wait_until(lambda: fold(operator.events(run)).paused, MINUTE)
    operator.approve(run, "start")
    wait_until(lambda: not operator.waits(run, "start"), MINUTE)
    lab.cut_power(EAST)
    since = datetime.now(UTC).isoformat()
    steered(operator, "skip", run, "in_step", "--reason", "east is dark: nobody can say")
    steered(operator, "continue", run)
    wait_until(lambda: outcome(operator, run, "demote") is Outcome.RUNNING, MINUTE)

    typed = operator.type("escalate", run, "--reason", "east is dark", "--outage-since", since,
                          "--detach", "--json")  # fmt: skip
    assert typed.code == 0, typed.said
    heir = str(json.loads(typed.out)["run"])
    planned = fold(operator.events(run))
    assert planned.ended is not None
    assert (planned.ended.outcome, planned.ended.heir) == (Outcome.HANDED_OVER, heir)
    assert operator.type("attach", run).code == 4
    told = operator.type("explain", run).out
    assert "handed over" in told
    assert f"drtool attach {heir}" in told

    other = Operator(lab, operator.home.parent / "elsewhere")
    third = other.type(*other.words("failover", "--from", EAST, "--to", WEST))
    assert (third.code, heir in third.err) == (3, True), "the lease is never free"
    operator.wait_for_consent(heir)
    assert f"It took over run {run}." in operator.type("explain", heir).out
    ran = operator.follow(heir)
    assert (ran.code, ran.report.outcome) == (0, Outcome.SUCCEEDED), ran.said
    assert (ran.report.world, ran.report.escalates) == (World.RECOVERED, run)
    assert ran.report.recovery_seconds is not None
    assert operator.report(run).heir == heir
    after = lab.world()
    assert after.roles == {EAST: "stopped", WEST: "primary"}
    assert after.names[WEST] == ADDRESS[WEST]
    assert before.orders <= after.orders
    assert tokens(operator, run) == tokens(operator, heir)[:1]


@pytest.mark.parametrize("place", ["escalation.asked-written", "heir.started-written"])
def test_a_handing_over_that_was_cut_off_goes_on_when_it_is_resumed(
    lab: PracticeLab, operator: Operator, place: str
) -> None:
    lab.place_orders(EAST)
    before = lab.world()
    words = ("switchover", "--from", EAST, "--to", WEST)
    run = operator.start(*words, runbook=lab.runbook(patient), DRTOOL_CRASH_AT=place)
    operator.wait_for_consent(run, "start")
    lab.cut_power(EAST)
    typed = operator.type("escalate", run, "--outage-since", "1s", "--detach")
    assert (typed.code, f"drtool resume {run}" in typed.err) == (8, True), typed.said
    heir = fold(operator.events(run)).escalation
    assert heir is not None
    told = operator.type("explain", run).out
    assert "That is not done yet." in " ".join(told.replace("│", "").split())

    resumed = operator.type("resume", run, "--detach")
    assert resumed.code == 0, resumed.said
    wait_until(lambda: fold(operator.events(run)).ended, MINUTE)
    assert operator.report(run).heir == heir.heir
    if place == "heir.started-written":
        assert operator.type("resume", heir.heir, "--detach").code == 0
    operator.wait_for_consent(heir.heir)
    ran = operator.follow(heir.heir)
    assert (ran.code, ran.report.outcome) == (0, Outcome.SUCCEEDED), ran.said
    assert lab.world().names[WEST] == ADDRESS[WEST]
    assert before.orders <= lab.world().orders


def tokens(operator: Operator, run: str) -> list[Any]:
    """The tokens of a run's lease, and that it was not let go before the next run had it."""
    events = [event.body for event in operator.events(run)]
    for body in events:
        if isinstance(body, LeaseEnded):
            assert "handed over to run" in body.reason or body.reason == ""
    return [body.token for body in events if isinstance(body, LeaseTaken)]


def test_a_run_whose_engine_was_killed_is_taken_back_though_the_next_one_is_killed_too(
    lab: PracticeLab, operator: Operator
) -> None:
    lab.place_orders(EAST)
    before = lab.world()
    words = ("switchover", "--from", EAST, "--to", WEST)
    killed = "step.before-intent promote"
    run = operator.start(*words, DRTOOL_CRASH_AT=killed)
    operator.wait_for_consent(run, "start")
    gone = operator.engine(run)
    assert gone is not None
    operator.approve(run, "start")
    wait_until(lambda: not gone.runs, MINUTE)
    assert lab.site(EAST).postgresql.state == "stopped"

    why = ("--reason", "the wrong week", "--detach")
    typed = operator.type("unwind", run, *why, DRTOOL_CRASH_AT="unwind.effect-applied")
    assert typed.code == 0, typed.said
    wait_until(lambda: operator.status(run)["engine_alive"] is False, MINUTE)
    told = operator.type("explain", run).out
    assert "The unwinding was cut off" in " ".join(told.replace("│", "").split())
    assert f"drtool resume {run}" in told
    again = operator.type("unwind", run, *why)
    assert (again.code, f"drtool resume {run}" in again.err) == (2, True)

    assert operator.type("resume", run, "--detach").code == 0
    ran = operator.follow(run)
    assert (ran.code, ran.report.outcome) == (4, Outcome.UNWOUND), ran.said
    assert ran.step("demote").outcome is Outcome.UNWOUND
    assert ran.report.world is World.UNTOUCHED
    assert [line.verb for line in ran.report.steered] == ["unwind"]
    after = lab.world()
    assert (after.roles, after.timelines) == (before.roles, before.timelines)
    assert before.orders <= after.orders
    aborted = operator.type("abort", run)
    assert (aborted.code, "has ended: unwound" in aborted.err) == (2, True)
