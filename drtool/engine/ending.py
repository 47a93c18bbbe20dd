"""Judge how a run ended: its outcome, its exit code, what a person should read first."""

from __future__ import annotations

from drtool.errors import Aborted, DrtoolError, InDoubt, Refused
from drtool.model.event import RunEnded
from drtool.model.purpose import Outcome
from drtool.progress.objectives import all_met, judge
from drtool.progress.run_state import RunState, StepState

OBJECTIVE_MISSED = 6
_CODES = {
    Outcome.SUCCEEDED: 0,
    Outcome.IN_DOUBT: InDoubt.exit_code,
    Outcome.FAILED: DrtoolError.exit_code,
    Outcome.UNWOUND: DrtoolError.exit_code,
    Outcome.REFUSED: Refused.exit_code,
    Outcome.ABORTED: Aborted.exit_code,
}


def ending(state: RunState, refusal: str = "", *, unwound: bool = False) -> RunEnded:
    """The end of a run whose steps have all come to rest; pure.

    ``refusal`` is why nobody consented to its start. Of several troubles the gravest gives the
    outcome: in doubt, then aborted, failed, refused. A run that was unwound has failed and left
    the world as it was.
    """
    outcome, culprit = _outcome(state, refusal)
    if outcome is Outcome.SUCCEEDED:
        return _good(state)
    reason, hint = _why(state, culprit, refusal)
    if unwound and outcome in {Outcome.FAILED, Outcome.REFUSED}:
        outcome, reason = Outcome.UNWOUND, f"{reason}; what was done is taken back"
    return RunEnded(
        outcome=outcome,
        exit_code=_CODES[outcome],
        world=state.world,
        verdicts=judge(state, outcome) if state.past_no_return else (),
        reason=reason,
        hint=hint or f"drtool explain {state.run}",
    )


def _good(state: RunState) -> RunEnded:
    verdicts = judge(state, Outcome.SUCCEEDED)
    missed = not all_met(verdicts)
    return RunEnded(
        outcome=Outcome.SUCCEEDED,
        exit_code=OBJECTIVE_MISSED if missed else 0,
        world=state.world,
        verdicts=verdicts,
        reason="; ".join(
            f"{one.subject} {one.brief}" for one in verdicts if one.binding and one.met is not True
        ),
        hint=f"drtool report {state.run}" if missed else "",
    )


def _outcome(state: RunState, refusal: str) -> tuple[Outcome, StepState | None]:
    by_outcome: dict[Outcome, StepState] = {}
    for step in state.steps:
        if not step.ended_well and not step.forgiven and not _rescue_left_out(step):
            by_outcome.setdefault(step.outcome, step)
    if Outcome.IN_DOUBT in by_outcome:
        return Outcome.IN_DOUBT, by_outcome[Outcome.IN_DOUBT]
    if state.abort is not None or refusal or Outcome.ABORTED in by_outcome:
        return Outcome.ABORTED, by_outcome.get(Outcome.ABORTED)
    for outcome in (Outcome.FAILED, Outcome.REFUSED):
        if outcome in by_outcome:
            return outcome, by_outcome[outcome]
    if by_outcome:
        unwound = by_outcome.get(Outcome.UNWOUND)
        return Outcome.FAILED, unwound or next(iter(by_outcome.values()))
    return Outcome.SUCCEEDED, None


def _rescue_left_out(step: StepState) -> bool:
    return bool(step.plan.rescues) and step.outcome is Outcome.PENDING


def _why(state: RunState, culprit: StepState | None, refusal: str) -> tuple[str, str]:
    if refusal:
        return refusal, ""
    if state.abort is not None:
        why = f": {state.abort.reason}" if state.abort.reason else ""
        return f"{state.abort.by} asked to abort{why}", ""
    if culprit is None:
        return "", ""
    said = culprit.reason or culprit.outcome.value
    prefix = f"step {culprit.name}"
    return (said if said.startswith(prefix) else f"{prefix}: {said}"), culprit.hint
