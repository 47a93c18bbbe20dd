"""What Prefect shows of a plan."""

from __future__ import annotations

import pytest

from drtool.compiler.claim import Drawn, Job
from drtool.compiler.itinerary import itinerary, upstream
from drtool.compiler.showing import kind_of, shown_as
from drtool.model.event import Via
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.plan import Objectives, Plan, PlanStep
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind, Strategy
from drtool.units import Duration


def step(name: str, *needs: str) -> PlanStep:
    return PlanStep(
        name=name,
        kind=StepKind.CHECK,
        action="tcp.answers",
        purpose=Purpose.ASSESS,
        needs=needs,
        deadline=Duration(5),
    )


def named(*steps: PlanStep) -> dict[str, PlanStep]:
    return {each.name: each for each in steps}


def plan(*steps: PlanStep, strategy: Strategy | None = Strategy.HOT_STANDBY) -> Plan:
    return Plan(
        runbook="web_orders",
        strategy=strategy,
        service="orders",
        procedure=Procedure.FAILOVER,
        direction=Direction(from_site="east", to_site="west"),
        objectives=Objectives(),
        inventory=Inventory(version=1, services={}, sites={}),
        steps=steps,
    )


def test_a_run_bears_runbook_and_procedure_and_tags_with_their_kinds() -> None:
    begin = itinerary(plan(), "20261123-051401-7f3a", Mode.LIVE)
    assert begin.flow == "web_orders.failover"
    assert begin.artifact == "web-orders-failover"
    assert begin.tags == (
        "service:orders",
        "strategy:hot-standby",
        "mode:live",
        "run:20261123-051401-7f3a",
    )
    assert begin.parameters["from_site"] == "east"


def test_a_runbook_without_a_strategy_says_so() -> None:
    assert "strategy:none" in itinerary(plan(strategy=None), "r", Mode.DRILL).tags


def test_a_step_hangs_on_those_it_needs() -> None:
    steps = named(step("a"), step("b"), step("c", "a", "b"))
    assert set(upstream(steps, steps["c"], {"a": "1", "b": "2"})) == {"1", "2"}


def test_a_step_that_was_never_submitted_stands_for_those_before_it() -> None:
    steps = named(step("a"), step("b", "a"), step("c", "b"))
    assert upstream(steps, steps["c"], {"a": "1"}) == ("1",)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.SUCCEEDED, "COMPLETED"),
        (Outcome.SKIPPED, "COMPLETED"),
        (Outcome.ABORTED, "CANCELLED"),
        (Outcome.REFUSED, "FAILED"),
        (Outcome.IN_DOUBT, "FAILED"),
        (Outcome.WAITING, "CRASHED"),
    ],
)
def test_outcomes_have_their_states(outcome: Outcome, kind: str) -> None:
    assert kind_of(outcome) == kind


def test_a_step_that_ran_directly_is_marked_with_the_reason() -> None:
    job = Job(step("a"), lambda _via, _reason: Outcome.SUCCEEDED, Drawn("t", ()))
    job.claim(Via.DIRECT, "Prefect was late")
    job.run()
    assert shown_as(job) == ("COMPLETED", "succeeded; ran directly: Prefect was late")
