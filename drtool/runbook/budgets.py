"""The critical path: the longest way through a procedure by budgets, and the objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drtool.model.plan import Objectives
from drtool.model.purpose import Procedure, Purpose
from drtool.runbook.standing import Order, Standing
from drtool.units import Duration

_BY_RTO = {Procedure.FAILOVER, Procedure.LOSE}
_BY_DOWNTIME = {Procedure.SWITCHOVER, Procedure.FAILBACK, Procedure.DRAIN, Procedure.REFILL}


@dataclass(frozen=True, slots=True)
class Leg:
    """One step on the way: its needs by position, and the seconds it is counted with."""

    needs: tuple[int, ...]
    seconds: float


def critical_path(legs: Sequence[Leg]) -> tuple[list[int], float]:
    """The positions on the longest way, in order, and its length in seconds.

    Legs stand after those they need.
    """
    finish: list[float] = []
    came: list[int] = []
    for leg in legs:
        before = max(leg.needs, key=lambda need: finish[need], default=-1)
        finish.append((finish[before] if before >= 0 else 0.0) + leg.seconds)
        came.append(before)
    if not legs:
        return [], 0.0
    last = max(range(len(legs)), key=lambda position: (finish[position], position))
    way, length = [], finish[last]
    while last >= 0:
        way.append(last)
        last = came[last]
    return way[::-1], length


def check_budgets(order: Order, objectives: Objectives) -> None:
    """Note a critical path whose written budgets cannot meet the objective."""
    if order.procedure in _BY_RTO and objectives.rto:
        _within(order, order.steps, "rto", objectives.rto)
    elif order.procedure in _BY_DOWNTIME and objectives.downtime:
        _within(order, _down(order), "downtime", objectives.downtime)


def _within(order: Order, steps: list[Standing], word: str, limit: Duration) -> None:
    positions = {step.position: place for place, step in enumerate(steps)}
    legs = [
        Leg(
            tuple(positions[need] for need in step.spread.needs if need in positions),
            step.step.budget.seconds if step.step.budget else 0.0,
        )
        for step in steps
    ]
    way, length = critical_path(legs)
    if length > limit.seconds:
        named = [step.step for step in (steps[place] for place in way) if step.step.budget]
        parts = ", ".join(f"{step.name} {step.budget}" for step in named[:12])
        more = f" and {len(named) - 12} more" if len(named) > 12 else ""
        order.fault(
            None,
            f"budgets on the critical path add up to {Duration(length)}, "
            f"more than the {word} of {limit}",
            f"{parts}{more}",
        )


def _down(order: Order) -> list[Standing]:
    """The steps while clients are refused: from the first fence to the first look from outside."""
    fences = order.of(Purpose.FENCE)
    looks = [step for step in order.steps if step.entry and step.entry.from_outside]
    looks = [look for look in looks if any(look.after(fence) for fence in fences)]
    return [
        step
        for step in order.steps
        if (step in fences or any(step.after(fence) for fence in fences))
        and (not looks or step in looks or any(look.after(step) for look in looks))
    ]
