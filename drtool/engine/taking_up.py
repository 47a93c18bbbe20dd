"""Take up what an earlier engine left: what people asked meanwhile, and the steps that it began."""

from __future__ import annotations

from drtool.engine.context import Phase, RunContext
from drtool.engine.requests import ANSWERS, Taken, take_requests
from drtool.progress.run_state import StepState


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
