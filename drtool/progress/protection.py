"""Whether a run left the service with nowhere to go."""

from __future__ import annotations

from drtool.model.purpose import Outcome, Purpose, StepKind
from drtool.progress.run_state import RunState


def unprotected(state: RunState) -> bool:
    """Whether somebody was promoted and nothing replicates from there yet."""
    if not state.mode.changes_the_world:
        return False
    promoted = any(
        step.purpose is Purpose.PROMOTE
        and step.plan.kind is not StepKind.CHECK
        and step.outcome is Outcome.SUCCEEDED
        for step in state.steps
    )
    again = [
        step
        for step in state.steps
        if step.purpose is Purpose.REPROTECT and step.plan.kind is not StepKind.CHECK
    ]
    return promoted and not (again and all(step.outcome is Outcome.SUCCEEDED for step in again))
