"""Take up what an earlier engine left: what people asked meanwhile, and the steps that it began."""

from __future__ import annotations

from drtool.engine.context import Phase, RunContext
from drtool.engine.requests import ANSWERS, Taken, take_requests
from drtool.model.event import ConsentGiven
from drtool.progress.run_state import StepState

_NOT_DECIDED = "the engine was gone before anybody decided; the step goes on from what is seen"


def hear(context: RunContext, *, going_back: bool) -> Taken:
    """Take what other terminals asked before anything goes on; answers wait for their questions.

    ``going_back`` says that the run is being unwound already: that hears an abort by itself, and
    says what stays as it is.
    """
    if going_back:
        return take_requests(context, leave=ANSWERS | {"abort"})
    return take_requests(context, leave=ANSWERS)


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
