"""The new run that finishes what a run has begun and not brought to its end."""

from __future__ import annotations

from drtool.model.event import World
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose
from drtool.progress.commands import again, failover_instead, is_in_runbook, start
from drtool.progress.protection import unprotected
from drtool.progress.run_state import RunState
from drtool.progress.standing import left, taking

_MOVES = {Procedure.FAILOVER, Procedure.SWITCHOVER, Procedure.FAILBACK}


def next_run(state: RunState, world: World, mode: Mode | None = None) -> str:
    """What starts it, in the run's own mode unless another is told.

    A planned procedure that has stopped the old primary cannot be begun again, because it wants
    both sites healthy: a failover finishes it. Where only the standby is missing, reprotect does.
    """
    match _procedure(state, world):
        case Procedure.FAILOVER if state.plan.procedure is not Procedure.FAILOVER:
            return failover_instead(state, mode)
        case Procedure.REPROTECT if state.plan.procedure is not Procedure.REPROTECT:
            return start(state, Procedure.REPROTECT, state.plan.direction, mode=mode)
        case _:
            return again(state, mode=mode)


def leads_to(state: RunState, world: World) -> str:
    """What it leads to."""
    procedure, old, new = _procedure(state, world), left(state), taking(state)
    if procedure is not state.plan.procedure and procedure is Procedure.REPROTECT:
        return f"{old} is brought back as a standby of {new}"
    moved = f"{new} is promoted" if state.effects(Purpose.PROMOTE) else f"{new} takes over"
    leads = {
        World.UNTOUCHED: "a new run from the start",
        World.PREPARED: "a new run from the start; what is done is found done and not repeated",
        World.FENCED: f"goes on: the fence is proven again, then {moved}",
        World.PROMOTED: "goes on: what is done is found done, clients are moved",
        World.REDIRECTED: "goes on: what is done is found done, the service is looked at again",
        World.RECOVERED: "a new run: what is done is found done, what failed is tried again",
        World.IN_DOUBT: "a new run: it looks first, adopts what is done, asks for its own consent",
    }[world]
    if procedure is not state.plan.procedure:
        stopped = all(step.ended_well for step in state.effects(Purpose.FENCE))
        leads += f"; as a failover, because {old} "
        leads += "is stopped" if stopped else "may be stopped: what the RPO allows may be lost"
    if state.ended is not None and state.ended.outcome is Outcome.REFUSED:
        leads += "; what was refused is refused again unless it is mended"
    return leads


def _procedure(state: RunState, world: World) -> Procedure:
    procedure = state.plan.procedure
    if procedure not in _MOVES or world in {World.UNTOUCHED, World.PREPARED}:
        return procedure
    if world is World.RECOVERED:
        bare = unprotected(state) and is_in_runbook(state, Procedure.REPROTECT)
        return Procedure.REPROTECT if bare else procedure
    stopped = state.fence_began is not None and is_in_runbook(state, Procedure.FAILOVER)
    return Procedure.FAILOVER if stopped else procedure
