"""Whether a run left the service with nowhere to go."""

from __future__ import annotations

from drtool.model.event import World
from drtool.model.purpose import Outcome, Procedure, Purpose
from drtool.progress.run_state import RunState


def unprotected(state: RunState) -> bool:
    """Whether somebody was promoted and nothing replicates from there yet.

    What a rehearsal promotes is a copy that nobody uses.
    """
    if not state.mode.changes_the_world or state.plan.procedure is Procedure.REHEARSAL:
        return False
    again = state.effects(Purpose.REPROTECT)
    promoted = any(step.outcome is Outcome.SUCCEEDED for step in state.effects(Purpose.PROMOTE))
    return promoted and not (again and all(step.outcome is Outcome.SUCCEEDED for step in again))


def protection_in_doubt(state: RunState) -> bool:
    """Whether it is not known if the service has a standby after the run, which has ended.

    So after a reprotect that changed something and was not seen through, and after a promotion
    that began in a run that left the world in doubt.
    """
    if not state.mode.changes_the_world or state.plan.procedure is Procedure.REHEARSAL:
        return False
    if state.plan.procedure is Procedure.REPROTECT:
        return state.world not in {World.UNTOUCHED, World.RECOVERED}
    return state.world is World.IN_DOUBT and state.past_no_return
