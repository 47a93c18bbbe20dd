"""The phases of a run: steps of one purpose in a row, as one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from drtool.model.event import Instant
from drtool.model.purpose import Outcome, StepKind
from drtool.progress.moments import seconds_between
from drtool.progress.run_state import RunState, StepState


@dataclass(frozen=True, slots=True)
class Stage:
    """One phase: its purpose, how it stands, from when to when."""

    name: str
    outcome: Outcome
    began: Instant | None = None
    ended: Instant | None = None

    def seconds(self, now: Instant) -> float | None:
        """How long it has taken; None before it has begun."""
        if self.began is None:
            return None
        return max(0.0, seconds_between(self.began, self.ended or now))


def stages(state: RunState) -> tuple[Stage, ...]:
    """All phases in the order of the plan; notices and ways back are none."""
    shown = [
        step
        for step in state.steps
        if step.plan.kind is not StepKind.NOTICE
        and (not step.plan.rescues or step.outcome not in {Outcome.PENDING, Outcome.SKIPPED})
    ]
    return tuple(
        _stage(purpose.value, tuple(steps), state.ended is not None)
        for purpose, steps in groupby(shown, key=lambda step: step.purpose)
    )


def _stage(name: str, steps: tuple[StepState, ...], run_over: bool) -> Stage:
    begun = [step.started for step in steps if step.started is not None]
    ended = [step.ended for step in steps if step.ended is not None]
    over = run_over or all(step.outcome.ended for step in steps)
    return Stage(
        name=name,
        outcome=_outcome(steps, over=over),
        began=min(begun, key=lambda at: at.wall, default=None),
        ended=max(ended, key=lambda at: at.wall, default=None) if over else None,
    )


def _outcome(steps: tuple[StepState, ...], *, over: bool) -> Outcome:
    outcomes = [step.outcome for step in steps]
    for bad in (one.outcome for one in steps if one.outcome.ended and not one.ended_well):
        return bad
    if Outcome.WAITING in outcomes:
        return Outcome.WAITING
    if set(outcomes) == {Outcome.PENDING}:
        return Outcome.PENDING
    if not over:
        return Outcome.RUNNING
    whole = Outcome.SUCCEEDED in outcomes and Outcome.PENDING not in outcomes
    return Outcome.SUCCEEDED if whole else Outcome.SKIPPED
