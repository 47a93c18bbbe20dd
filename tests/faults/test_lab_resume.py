"""An engine killed in the middle of a real run, and the resume that ends in the same world."""

from __future__ import annotations

import pytest
from fault_record import Fault
from lab_runs import ADDRESS, EAST, WEST, Operator, PracticeLab, wait_until

from drtool.model.event import StepIntent, World
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault]
FAILOVER = ("--from", EAST, "--to", WEST, "--outage-since", "1s")


def killed_at(operator: Operator, place: str, procedure: str, *words: str) -> str:
    """Start a run whose engine ends by SIGKILL at a crash point; its id."""
    run = operator.start(procedure, *words, DRTOOL_CRASH_AT=place)
    step = "consent" if procedure == "failover" else "start"
    operator.wait_for_consent(run, step)
    engine = operator.engine(run)
    assert engine is not None
    operator.approve(run, step)
    wait_until(lambda: not engine.runs, 30)
    return run


def told_that_its_engine_is_gone(operator: Operator, run: str) -> None:
    assert operator.status(run)["engine_alive"] is False
    said = operator.type("status", run).out
    assert "its engine is gone" in said
    assert f"drtool resume {run}" in said
    attached = operator.type("attach", run)
    assert attached.code == 8
    assert f"drtool resume {run}" in attached.err
    late = operator.type("approve", run, "consent", "--service", "orders")
    assert late.code == 2
    assert f"drtool resume {run}" in late.err


@pytest.mark.parametrize(
    "place",
    ["step.effect-applied fence", "step.intent-written promote", "step.effect-applied promote"],
)
def test_f02_f03_an_engine_killed_in_a_real_failover_is_resumed_to_the_same_world(
    lab: PracticeLab, operator: Operator, place: str, fault: Fault
) -> None:
    lab.place_orders(EAST)
    before = lab.world()
    lab.cut_power(EAST)
    run = killed_at(operator, place, "failover", *FAILOVER)
    fault.injected(f"the engine was killed at {place}")
    if place.endswith("fence"):
        told_that_its_engine_is_gone(operator, run)
    resumed = operator.type("resume", run, "--detach")
    assert resumed.code == 0, resumed.said
    ran = operator.follow(run)
    assert (ran.code, ran.report.outcome) == (0, Outcome.SUCCEEDED), ran.said
    assert ran.report.world is World.RECOVERED
    assert len(ran.report.resumed) == 1

    after = lab.world()
    assert after.roles == {EAST: "stopped", WEST: "primary"}
    assert after.timelines[WEST] == (before.timelines[EAST] or 0) + 1, "promoted once"
    assert after.names[WEST] == ADDRESS[WEST]
    assert before.orders <= after.orders
    promotions = [
        event
        for event in ran.events
        if isinstance(event.body, StepIntent) and event.body.step == "promote"
    ]
    begun = 2 if place == "step.intent-written promote" else 1
    assert len(promotions) == begun, "what was done is found done"
    again = operator.type("resume", run)
    assert again.code == 2
    assert "has ended" in again.err


def test_f03_an_engine_killed_in_a_switchover_is_resumed_and_loses_no_order(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    lab.place_orders(EAST)
    before = lab.world()
    run = killed_at(operator, "step.effect-applied demote", "switchover")
    assert lab.world().roles == {EAST: "stopped", WEST: "standby"}
    fault.injected("the engine was killed when the primary was demoted")
    resumed = operator.type("resume", run, "--detach")
    assert resumed.code == 0, resumed.said
    ran = operator.follow(run)
    assert ran.report.outcome is Outcome.SUCCEEDED, ran.said
    after = lab.world()
    assert after.roles == {EAST: "standby", WEST: "primary"}
    assert after.names == dict.fromkeys((EAST, WEST), ADDRESS[WEST])
    assert before.orders == after.orders
    demotions = [
        event
        for event in ran.events
        if isinstance(event.body, StepIntent) and event.body.step == "demote"
    ]
    assert len(demotions) == 1
