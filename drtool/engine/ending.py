"""Judge how a run ended: its outcome, its exit code, what a person should read first."""

from __future__ import annotations

from drtool.engine.kept import kept, stays
from drtool.errors import Aborted, DrtoolError, InDoubt, Refused
from drtool.model.event import RunEnded
from drtool.model.purpose import Outcome
from drtool.model.steering import EscalationAsked, UnwindAsked
from drtool.model.verdict import Verdict
from drtool.progress.left_out import left_out
from drtool.progress.objectives import all_met, judge
from drtool.progress.run_state import RunState, StepState
from drtool.progress.words import is_coming_back
from drtool.progress.world import unserved

OBJECTIVE_MISSED = 6
_CODES = {
    Outcome.SUCCEEDED: 0,
    Outcome.IN_DOUBT: InDoubt.exit_code,
    Outcome.FAILED: DrtoolError.exit_code,
    Outcome.UNWOUND: DrtoolError.exit_code,
    Outcome.REFUSED: Refused.exit_code,
    Outcome.ABORTED: Aborted.exit_code,
    Outcome.HANDED_OVER: Aborted.exit_code,
}


def ending(state: RunState, refusal: str = "", *, unwound: bool = False) -> RunEnded:
    """The end of a run whose steps have all come to rest; pure.

    ``refusal`` is why nobody consented to its start. Of several troubles the gravest gives the
    outcome: in doubt, then aborted, failed, refused. A run that was unwound has failed and left
    what serves as it was; one that a person had taken back ends as that person said.
    """
    made = _ending(state, refusal, unwound=unwound)
    return made.model_copy(update={"break_glass": True}) if state.glass_broken else made


def _ending(state: RunState, refusal: str, *, unwound: bool) -> RunEnded:
    if state.escalation is not None and not state.past_no_return:
        return _handed_over(state)
    outcome, culprit = _outcome(state, refusal)
    if outcome is Outcome.SUCCEEDED:
        return _good(state)
    reason, hint = _why(state, culprit, refusal)
    whole = outcome in {Outcome.FAILED, Outcome.REFUSED} or state.unwinding is not None
    if unwound and whole and outcome is not Outcome.IN_DOUBT:
        outcome, reason = Outcome.UNWOUND, f"{reason}; {_taken_back(state)}"
    return RunEnded(
        outcome=outcome,
        exit_code=_code(state, outcome),
        world=state.world,
        verdicts=judge(state, outcome) if state.past_no_return else (),
        reason=reason,
        hint=hint or f"drtool explain {state.run}",
    )


def _taken_back(state: RunState) -> str:
    left = stays(kept(state))
    return "what was done is taken back" + (f", but {left}" if left else "")


def _code(state: RunState, outcome: Outcome) -> int:
    asked = outcome is Outcome.UNWOUND and state.unwinding is not None
    return Aborted.exit_code if asked else _CODES[outcome]


def _handed_over(state: RunState) -> RunEnded:
    """The end of a planned run that a failover takes over; its objectives are that run's now."""
    asked = state.escalation
    heir = asked.heir if asked else ""
    return RunEnded(
        outcome=Outcome.HANDED_OVER,
        exit_code=_CODES[Outcome.HANDED_OVER],
        world=state.world,
        reason=_asked(asked, f"for a failover: run {heir} goes on"),
        hint=f"drtool attach {heir}",
        heir=heir,
    )


def _asked(said: UnwindAsked | EscalationAsked | None, what: str) -> str:
    why = f": {said.reason}" if said and said.reason else ""
    return f"{said.by if said else 'somebody'} asked {what}{why}"


def _good(state: RunState) -> RunEnded:
    verdicts = judge(state, Outcome.SUCCEEDED)
    unseen = left_out(state)
    missed = bool(unseen) or not all_met(verdicts)
    return RunEnded(
        outcome=Outcome.SUCCEEDED,
        exit_code=OBJECTIVE_MISSED if missed else 0,
        world=state.world,
        verdicts=verdicts,
        reason="; ".join((*filter(None, (unseen,)), *_not_met(verdicts))),
        hint=f"drtool report {state.run}" if missed else "",
    )


def _not_met(verdicts: tuple[Verdict, ...]) -> list[str]:
    short = (one for one in verdicts if one.binding and one.met is not True)
    return [f"{one.subject} {one.brief}" for one in short]


def _outcome(state: RunState, refusal: str) -> tuple[Outcome, StepState | None]:
    by_outcome: dict[Outcome, StepState] = {}
    for step in state.steps:
        if not step.ended_well and not step.forgiven and not _rescue_left_out(step):
            by_outcome.setdefault(step.outcome, step)
    if Outcome.IN_DOUBT in by_outcome:
        return Outcome.IN_DOUBT, by_outcome[Outcome.IN_DOUBT]
    asked = state.abort or state.unwinding or state.escalation
    if asked is not None or refusal or Outcome.ABORTED in by_outcome:
        return Outcome.ABORTED, by_outcome.get(Outcome.ABORTED)
    for outcome in (Outcome.FAILED, Outcome.REFUSED):
        if outcome in by_outcome:
            return outcome, by_outcome[outcome]
    if by_outcome:
        unwound = by_outcome.get(Outcome.UNWOUND)
        return Outcome.FAILED, unwound or next(iter(by_outcome.values()))
    skipped = unserved(state.steps)
    return (Outcome.FAILED, skipped) if skipped else (Outcome.SUCCEEDED, None)


def _rescue_left_out(step: StepState) -> bool:
    return bool(step.plan.rescues) and step.outcome is Outcome.PENDING


def _why(state: RunState, culprit: StepState | None, refusal: str) -> tuple[str, str]:
    if refusal:
        return refusal, ""
    if state.abort is not None:
        why = f": {state.abort.reason}" if state.abort.reason else ""
        return f"{state.abort.by} asked to abort{why}", ""
    if state.unwinding is not None:
        return "; ".join((_asked(state.unwinding, "to take it back"), *_not_unwound(state))), ""
    if state.escalation is not None:
        what = "for a failover, but the promotion had begun"
        return _asked(state.escalation, what), ""
    if culprit is None:
        return "", ""
    said = culprit.reason or culprit.outcome.value
    prefix = f"step {culprit.name}"
    what = said if said.startswith(prefix) else f"{prefix}: {said}"
    return "; ".join((what, *(_not_unwound(state) if is_coming_back(state) else ()))), culprit.hint


def _not_unwound(state: RunState) -> list[str]:
    """Why what was done is not all taken back, as it was said last."""
    return [one.text for one in state.warnings if one.about == "not_unwound"][-1:]
