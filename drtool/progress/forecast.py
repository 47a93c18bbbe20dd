"""Forecast when a run will have ended, from its critical path and what it has taken so far."""

from __future__ import annotations

from dataclasses import dataclass

from drtool.model.event import Instant
from drtool.model.purpose import Purpose, StepKind
from drtool.progress.moments import seconds_between, seconds_since
from drtool.progress.objectives import answered, downtime_from
from drtool.progress.run_state import RunState, StepState
from drtool.units import Duration, seconds_text


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a run is going to end, in seconds.

    ``finish_in_seconds`` is from now to the run's end. ``elapsed_seconds`` is since the outage's
    start, for planned procedures since the service was taken away; None when that is not known or
    has not begun. ``recovery_seconds`` is what it will have been when the service answers again.
    ``limit`` is the objective that it counts against. ``paused`` says that all of it holds only if
    the run is continued now.
    """

    finish_in_seconds: float
    elapsed_seconds: float | None = None
    recovery_seconds: float | None = None
    limit: Duration | None = None
    rto_at_risk: bool = False
    paused: bool = False

    def text(self) -> str:
        """The warning that an objective is at risk."""
        took = seconds_text(self.recovery_seconds or 0.0)
        when = ", if the run is continued now" if self.paused else ""
        return f"RTO at risk: the forecast is {took}{when}, the objective {self.limit}"


def forecast(state: RunState, now: Instant) -> Forecast:
    """What remains, at the pace of the budgets; one pass over the steps."""
    if state.ended is not None:
        return Forecast(0.0, _elapsed(state, answered(state) or state.last))
    finish, service = _remaining(state, now)
    back = answered(state)
    elapsed = _elapsed(state, back or now)
    limits = state.plan.objectives
    limit = limits.rto if state.plan.procedure.unplanned else limits.downtime
    recovery = None
    if elapsed is not None:
        recovery = elapsed if back is not None else elapsed + service
    at_risk = (
        back is None and limit is not None and recovery is not None and recovery > limit.seconds
    )
    return Forecast(finish, elapsed, recovery, limit, at_risk, state.paused is not None)


def _elapsed(state: RunState, now: Instant) -> float | None:
    if state.plan.procedure.unplanned:
        if state.outage_start is None:
            return None
        return max(0.0, seconds_since(state.outage_start, state.started, now))
    begin = downtime_from(state)
    return None if begin is None else max(0.0, seconds_between(begin, now))


def _remaining(state: RunState, now: Instant) -> tuple[float, float]:
    """Seconds to the end of the run, and to the service's return: its last redirect or verify."""
    ends: dict[str, float] = {}
    for step in state.steps:
        before = max((ends.get(need, 0.0) for need in step.plan.needs), default=0.0)
        ends[step.name] = before + _left(step, now)
    serving = [
        ends[step.name]
        for step in state.steps
        if step.purpose in {Purpose.VERIFY, Purpose.REDIRECT, Purpose.PROMOTE}
    ]
    finish = max(ends.values(), default=0.0)
    return finish, max(serving, default=finish)


def _left(step: StepState, now: Instant) -> float:
    """What a step still takes; one that overruns its budget is expected to end any moment."""
    if step.outcome.ended or step.plan.kind is StepKind.NOTICE or step.plan.rescues:
        return 0.0
    budget = step.plan.counted.seconds
    if step.started is None:
        return budget
    return max(0.0, budget - max(0.0, seconds_between(step.started, now)))
