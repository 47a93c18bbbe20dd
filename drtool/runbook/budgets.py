"""The critical path: the longest way through a procedure by budgets, and the objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drtool.model.plan import Objectives
from drtool.model.purpose import Procedure, Purpose
from drtool.runbook.standing import Order, Standing
from drtool.units import Duration

BY_RTO = {Procedure.FAILOVER, Procedure.LOSE}
BY_DOWNTIME = {Procedure.SWITCHOVER, Procedure.FAILBACK, Procedure.DRAIN, Procedure.REFILL}


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
    if order.procedure in BY_RTO and objectives.rto:
        _within(order, _until_seen(order.steps), "rto", objectives.rto)
    elif order.procedure in BY_DOWNTIME and objectives.downtime:
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
    """The steps while clients are refused: from the first fence to the looks from outside."""
    fences = order.of(Purpose.FENCE)
    since = [
        step for step in order.steps if step in fences or any(step.after(fence) for fence in fences)
    ]
    return _until_seen(since)


def _until_seen(steps: list[Standing]) -> list[Standing]:
    """The steps up to the looks from outside; all of them when there is no such look."""
    looks = [step for step in steps if step.from_outside]
    before = 0
    for look in looks:
        before |= look.spread.before | 1 << look.position
    return [step for step in steps if not looks or before >> step.position & 1]
