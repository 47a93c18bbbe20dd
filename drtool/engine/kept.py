"""What stays when a run was taken back: the steps whose effect nothing undoes."""

from __future__ import annotations

from collections.abc import Sequence

from drtool.model.purpose import Outcome, Purpose, StepKind
from drtool.progress.run_state import RunState, StepState

# what is declared to look, to try or to tell leaves nothing that could be taken back
_HARMLESS = {Purpose.ASSESS, Purpose.VERIFY, Purpose.ANNOUNCE}
# what may stay while a run counts as taken back: machines, and how many
_SPARE = {Purpose.PROVISION, Purpose.SCALE}
# what holds for the service also where this run found it so
_STANDING = {Purpose.FENCE, Purpose.PROMOTE, Purpose.REDIRECT}
_DOES = {StepKind.ACTION, StepKind.COMMAND, StepKind.MANUAL}


def kept(state: RunState) -> tuple[StepState, ...]:
    """The steps whose effect began, or was done by hand, and was not taken back."""
    return tuple(step for step in state.steps if _is_kept(step))


def weighs(steps: Sequence[StepState]) -> bool:
    """Whether one of them decides who serves: such a run is not taken back, whatever else is."""
    return any(step.purpose not in _SPARE for step in steps)


def stays(steps: Sequence[StepState]) -> str:
    """That they stay as they are; "" where there are none."""
    names = ", ".join(step.name for step in steps)
    if len(steps) > 1:
        return f"steps {names} stay as they are"
    return f"step {names} stays as it is" if steps else ""


def _is_kept(step: StepState) -> bool:
    if step.outcome is Outcome.UNWOUND or step.plan.kind not in _DOES or step.purpose in _HARMLESS:
        return False
    if step.intent_at is not None:
        return True
    stands = step.plan.kind is StepKind.MANUAL or step.purpose in _STANDING
    return stands and step.outcome is Outcome.SUCCEEDED
