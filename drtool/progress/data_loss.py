"""What the promotions of a run lost, from what they saw when they were begun."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from drtool.model.purpose import Purpose
from drtool.model.value import Fields
from drtool.progress.run_state import RunState, StepState


@dataclass(frozen=True, slots=True)
class Loss:
    """The data loss as the promotion saw it; ``seconds`` is None when it was unknown.

    ``source`` is what it was judged by, or why it is unknown.
    """

    seconds: float | None
    source: str
    upper_bound: bool


def data_loss(state: RunState) -> Loss | None:
    """What the promotions would lose when they were begun, else what the last look said.

    Of several promotions the largest; unknown once it is of one of them, as of a server that was
    promoted before this run looked.
    """
    told = [_loss_of(step) for step in state.effects(Purpose.PROMOTE)]
    known = [loss for loss in told if loss is not None]
    if known:
        worst = max(known, key=lambda loss: math.inf if loss.seconds is None else loss.seconds)
        return replace(worst, upper_bound=any(loss.upper_bound for loss in known))
    looks = (_loss_in(step.seen) for step in reversed(state.steps) if _looks_ahead(step, state))
    return next((loss for loss in looks if loss is not None), None)


def _loss_of(step: StepState) -> Loss | None:
    """What a promotion would lose; None where it has not looked, or cannot tell."""
    found = _loss_in(step.seen_before) or _loss_in(step.seen)
    done = any(part.get("already_primary") for part in _losses_in(step.seen_before or step.seen))
    if found is None and done:
        return Loss(None, "promoted before this run looked", upper_bound=False)
    return found


def _looks_ahead(step: StepState, state: RunState) -> bool:
    """Whether a step judges what a promotion would lose, not how far a new standby is behind."""
    place = step.plan.place
    there = place is None or place.site == state.plan.direction.to_site
    return step.purpose is Purpose.ASSESS and there


def _loss_in(seen: Fields | None) -> Loss | None:
    """The loss that an observation tells, itself or in one of its fields."""
    for part in _losses_in(seen):
        seconds = part["seconds"]
        if part.get("already_primary", False):
            continue
        source = str(part["source"] if seconds is not None else part.get("reason", "unknown"))
        return Loss(seconds, source, bool(part.get("upper_bound", False)))
    return None


def _losses_in(seen: Fields | None) -> Iterator[dict[str, Any]]:
    """What looks like a loss in an observation, itself and its fields."""
    for part in (seen, *seen.values()) if seen else ():
        if isinstance(part, dict) and {"seconds", "source"} <= part.keys():
            seconds = part["seconds"]
            if seconds is None or isinstance(seconds, int | float):
                yield part
