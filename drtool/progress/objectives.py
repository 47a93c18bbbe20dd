"""Judge a run against its objectives, and split its recovery time into parts.

Recovery time runs from the start of the outage to the first success seen from outside. A verdict
that could not be measured is None, which is never "met": where the runbook gives a limit, a run
that cannot show that it kept it ends with exit code 6. A figure without a limit is only told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drtool.model.event import Instant
from drtool.model.purpose import Outcome, Procedure, Purpose, StepKind
from drtool.model.verdict import Verdict
from drtool.progress.data_loss import Loss, data_loss
from drtool.progress.left_out import left_out
from drtool.progress.moments import seconds_between, seconds_since
from drtool.progress.run_state import RunState
from drtool.progress.waits import interrupted_seconds, waited_seconds
from drtool.units import Duration

_DOWNTIME = {Procedure.SWITCHOVER, Procedure.FAILBACK, Procedure.DRAIN, Procedure.REFILL}
_MOVING = {Purpose.FENCE, Purpose.PROMOTE, Purpose.SCALE, Purpose.REDIRECT, Purpose.DRAIN}
_RECOVERING = _MOVING | {Purpose.PROVISION, Purpose.RESTORE}


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the recovery time, in seconds; None where one was not measured.

    ``decision`` are all waits for people, ``interruption`` the time without an engine where a run
    was resumed, ``execution`` the engine's own work up to the end of the last effect that brings
    the service back, ``convergence`` what clients still waited after it. These five add up to the
    recovery time. ``verification`` comes after it: from the first success to the last check that
    confirmed it.
    """

    detection: float | None = None
    decision: float | None = None
    interruption: float | None = None
    execution: float | None = None
    convergence: float | None = None
    verification: float | None = None


def judge(state: RunState, outcome: Outcome | None) -> tuple[Verdict, ...]:
    """A verdict for each objective that the procedure is judged by; none in dry-runs.

    Invariant: nothing is met unless the outcome is success; the figures are told all the same.
    """
    if not state.mode.changes_the_world:
        return ()
    measured: tuple[Verdict, ...] = ()
    limits = state.plan.objectives
    if state.plan.procedure.unplanned:
        measured = (_rto(state, limits.rto), _rpo(state, limits.rpo))
    elif state.plan.procedure in _DOWNTIME:
        measured = (_downtime(state, limits.downtime),)
    if outcome is not Outcome.SUCCEEDED:
        why = "the run did not end well" if outcome else "the run has not ended"
        return tuple(_withhold(measured, why))
    unseen = left_out(state)
    return tuple(_withhold(measured, unseen, only=True)) if unseen else measured


def _withhold(
    verdicts: Iterable[Verdict], why: str, *, only: bool | None = None
) -> Iterator[Verdict]:
    """The verdicts unjudged, or ``only`` those that were met."""
    for verdict in verdicts:
        judged = verdict.met is not None and only in {None, verdict.met}
        yield verdict.model_copy(update={"met": None, "withheld": why}) if judged else verdict


def all_met(verdicts: Iterable[Verdict]) -> bool:
    """Whether every objective that has a limit was measured and met, and no loss accepted."""
    return all(verdict.met is True for verdict in verdicts if verdict.binding)


def answered(state: RunState) -> Instant | None:
    """The first success seen from outside after the service was moved; None before there is one.

    A service that answers before the promotion (or the redirection, where nothing is promoted)
    is the one that is being left. Where a step writes, only writes count, also when they fail: a
    page may be a cache's.
    """
    moved = _moved_from(state)
    seen = [
        step
        for step in state.steps
        if step.answered is not None
        and step.outcome is Outcome.SUCCEEDED
        and (moved is None or seconds_between(moved, step.answered) >= 0)
    ]
    writes = [step for step in seen if step.plan.kind is not StepKind.CHECK]
    done = {Outcome.SUCCEEDED, Outcome.SKIPPED}
    owed = any(step.verifies_by_effect and step.outcome not in done for step in state.steps)
    counted = writes if writes or owed else seen
    moments = [step.answered for step in counted if step.answered is not None]
    return min(moments, key=lambda moment: seconds_between(state.started, moment), default=None)


def recovery_seconds(state: RunState) -> float | None:
    """From the start of the outage to the first success from outside; None if not measured."""
    end = answered(state)
    if end is None or state.outage_start is None:
        return None
    return max(0.0, seconds_since(state.outage_start, state.started, end))


def downtime_seconds(state: RunState) -> float | None:
    """From the first effect on the old side to the first success from outside."""
    end, begin = answered(state), downtime_from(state)
    if end is None or begin is None:
        return None
    return max(0.0, seconds_between(begin, end))


def downtime_from(state: RunState) -> Instant | None:
    """When a planned procedure began to take the service away: the intent of its first fence."""
    if state.fence_began is not None:
        return state.fence_began
    moving = [step.intent_at for step in state.steps if step.purpose in _MOVING and step.intent_at]
    return min(moving, key=lambda moment: seconds_between(state.started, moment), default=None)


def split(state: RunState) -> Parts:
    """The parts of the recovery time; those that are still under way are None."""
    end = answered(state)
    detection = None
    if state.outage_start is not None:
        detection = max(0.0, (state.started.wall - state.outage_start).total_seconds())
    until = end or state.last
    decision = waited_seconds(state, until)
    interruption = interrupted_seconds(state, until) if state.gaps else None
    if end is None:
        return Parts(detection=detection, decision=decision, interruption=interruption)
    total, idle = seconds_between(state.started, end), decision + (interruption or 0.0)
    moved = min(total, max(idle, _last_effect_seconds(state, total)))
    return Parts(
        detection=detection,
        decision=decision,
        interruption=interruption,
        execution=max(0.0, moved - idle),
        convergence=max(0.0, total - moved),
        verification=_verification(state, end),
    )


def _rto(state: RunState, limit: Duration | None) -> Verdict:
    measured = recovery_seconds(state)
    note = ""
    if measured is None:
        note = (
            "the outage's start is not known"
            if state.outage_start is None
            else "no success was seen from outside"
        )
    return Verdict(
        objective="rto",
        limit=limit,
        measured_seconds=measured,
        met=_within(measured, limit),
        note=note,
    )


def _rpo(state: RunState, limit: Duration | None) -> Verdict:
    """The data loss; once a person accepted any loss, it is never met."""
    loss = data_loss(state) or Loss(None, "not looked at", upper_bound=False)
    met, accepted = _within(loss.seconds, limit), state.accepted_loss
    unlimited = accepted is not None and accepted.unlimited
    needed = unlimited or met is False
    return Verdict(
        objective="rpo",
        limit=limit,
        measured_seconds=loss.seconds,
        met=None if met and unlimited else met,
        upper_bound=loss.upper_bound,
        note=loss.source,
        accepted=f"{accepted.by}: {accepted.reason}" if accepted and needed else "",
    )


def _downtime(state: RunState, limit: Duration | None) -> Verdict:
    measured = downtime_seconds(state)
    return Verdict(
        objective="downtime",
        limit=limit,
        measured_seconds=measured,
        met=_within(measured, limit),
        note="" if measured is not None else "no success was seen from outside",
    )


def _within(measured: float | None, limit: Duration | None) -> bool | None:
    return None if measured is None or limit is None else measured <= limit.seconds


def _moved_from(state: RunState) -> Instant | None:
    """From when on a success from outside can be that of the recovered service."""
    for purpose in (Purpose.PROMOTE, Purpose.REDIRECT, Purpose.FENCE):
        steps = [
            step
            for step in state.steps
            if step.purpose is purpose
            and step.plan.kind is not StepKind.CHECK
            and (step.outcome is not Outcome.SKIPPED or step.intent_at is not None)
        ]
        if steps:
            return _first(state, [step.intent_at or step.started for step in steps])
    return None


def _first(state: RunState, moments: list[Instant | None]) -> Instant | None:
    known = [moment for moment in moments if moment is not None]
    if len(known) < len(moments):
        return state.last
    return min(known, key=lambda moment: seconds_between(state.started, moment))


def _last_effect_seconds(state: RunState, total: float) -> float:
    """When the last effect that brings the service back had ended, before clients saw it."""
    ends = [
        seconds_between(state.started, step.ended)
        for step in state.steps
        if step.purpose in _RECOVERING
        and step.ended is not None
        and step.plan.kind is not StepKind.CHECK
    ]
    return max((end for end in ends if end <= total), default=0.0)


def _verification(state: RunState, end: Instant) -> float | None:
    ends = [
        seconds_between(end, step.ended)
        for step in state.steps
        if step.purpose is Purpose.VERIFY and step.ended is not None
    ]
    return max(0.0, *ends) if ends else None
