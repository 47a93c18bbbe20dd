"""What a procedure's time limits add up to, along the longest way through its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from drtool.catalog import Catalog
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Procedure, Purpose, StepKind
from drtool.model.value import Value
from drtool.runbook.budgets import BY_DOWNTIME, BY_RTO, Leg, critical_path
from drtool.units import Duration

_HUMAN = {StepKind.APPROVAL, StepKind.MANUAL}


class TimeLimits(Value):
    """The sums of one procedure, up to the first looks from outside.

    ``budgets`` is held against ``allowed``, which is the runbook's ``objective``. For ``downtime``
    it begins with the first fence; without a fence there is none, and all steps are counted.
    ``people`` is the part that waits for an answer. ``worst`` is what the deadlines add up to.
    """

    procedure: Procedure
    objective: Literal["RTO", "downtime", ""] = ""
    allowed: Duration | None = None
    budgets: Duration
    people: Duration
    worst: Duration

    def __str__(self) -> str:
        """The sums on one line."""
        of = f" of {self.objective} {self.allowed}" if self.allowed else ""
        return f"budgets {self.budgets}{of}; worst case by deadlines {self.worst}"


def add_up(plan: Plan, catalog: Catalog) -> TimeLimits:
    """The sums of a plan; steps that only run when another fails are left out."""
    steps = [step for step in plan.steps if not step.rescues]
    objective: Literal["RTO", "downtime", ""] = ""
    if plan.procedure in BY_RTO:
        objective, steps = "RTO", _until_seen(steps, catalog)
    elif plan.procedure in BY_DOWNTIME and (down := _down(steps)):
        objective, steps = "downtime", _until_seen(down, catalog)
    limits = {"RTO": plan.objectives.rto, "downtime": plan.objectives.downtime}
    way, budgets = _longest(steps, lambda step: step.counted.seconds)
    _, worst = _longest(steps, lambda step: step.deadline.seconds)
    waits = sum(step.counted.seconds for step in way if step.kind in _HUMAN)
    return TimeLimits(
        procedure=plan.procedure,
        objective=objective,
        allowed=limits.get(objective),
        budgets=Duration(budgets),
        people=Duration(waits),
        worst=Duration(worst),
    )


def _longest(
    steps: Sequence[PlanStep], seconds: Callable[[PlanStep], float]
) -> tuple[list[PlanStep], float]:
    position = {step.name: place for place, step in enumerate(steps)}
    legs = [
        Leg(tuple(position[need] for need in step.needs if need in position), seconds(step))
        for step in steps
    ]
    way, length = critical_path(legs)
    return [steps[place] for place in way], length


def _until_seen(steps: list[PlanStep], catalog: Catalog) -> list[PlanStep]:
    """The steps up to the looks from outside; all of them when there is no such look."""
    looks = [
        step.name
        for step in steps
        if step.kind not in _HUMAN and catalog.get(step.action).from_outside
    ]
    wanted = set(looks)
    for step in reversed(steps):
        if step.name in wanted:
            wanted.update(step.needs)
    return [step for step in steps if not looks or step.name in wanted]


def _down(steps: list[PlanStep]) -> list[PlanStep]:
    """The steps while clients are refused: from the first fence on."""
    after: set[str] = set()
    for step in steps:
        if step.purpose is Purpose.FENCE or after.intersection(step.needs):
            after.add(step.name)
    return [step for step in steps if step.name in after]
