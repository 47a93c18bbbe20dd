"""Take up what an earlier engine left: what people asked meanwhile, and the steps that it began."""

from __future__ import annotations

from drtool.engine.context import Phase, RunContext
from drtool.engine.permits import only_looks
from drtool.engine.requests import ANSWERS, Taken, take_requests
from drtool.engine.result import left_out
from drtool.model.event import ConsentGiven, StepEnded, Via
from drtool.progress.run_state import StepState

_NOT_DECIDED = "the engine was gone before anybody decided; the step goes on from what is seen"


def hear(context: RunContext, *, going_back: bool) -> Taken:
    """Take what other terminals asked before anything goes on; answers wait for their questions.

    ``going_back`` says that the run is being unwound already: that hears an abort by itself, and
    says what stays as it is.
    """
    if going_back:
        return take_requests(context, leave=ANSWERS | {"abort"})
    _end_left_out(context)
    taken = take_requests(context, leave=ANSWERS)
    _end_left_out(context)
    return taken


def is_taken_up(state: StepState, phase: Phase) -> bool:
    """Whether a step goes on that an earlier engine began; what is taken back does not."""
    if phase is Phase.UNWINDING and not state.plan.one_way:
        return False
    return state.mid_effect or phase is Phase.GOING


def end_decision(context: RunContext, step: str) -> None:
    """End a step's question of what to do: nobody waits for it, and it is asked anew if need be."""
    context.recorder.write(
        *(
            ConsentGiven(
                step=step,
                decision="expired",
                reason=_NOT_DECIDED,
                changes_digest=consent.asked.changes_digest,
            )
            for consent in context.recorder.consents
            if consent.asked.step == step
            and consent.asked.what == "decision"
            and consent.given is None
        )
    )


def _end_left_out(context: RunContext) -> None:
    """End the steps that a person had left out while they were under way."""
    for state in tuple(context.recorder.steps.values()):
        asked = context.recorder.left_out(state.name)
        if asked is None or not state.attempts or not _may_be_left_out(context, state):
            continue
        result = left_out(asked.by, asked.reason)
        context.recorder.write(
            StepEnded(
                step=state.name,
                attempt=state.attempts,
                outcome=result.outcome,
                via=state.via or Via.DIRECT,
                reason=context.ports.redactor.clean(result.reason),
                by=result.by,
            )
        )


def _may_be_left_out(context: RunContext, state: StepState) -> bool:
    """Whether a step has not ended and is in the middle of nothing but what a person decided."""
    if state.outcome.ended:
        return False
    if only_looks(state) or not state.mid_effect:
        return True
    answers = [one.given for one in context.recorder.consents if one.asked.step == state.name]
    last = answers[-1] if answers else None
    return last is not None and last.decision == "skipped"
