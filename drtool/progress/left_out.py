"""Which steps people had left out of what serves and what shows that it does."""

from __future__ import annotations

from drtool.model.purpose import Procedure, Purpose
from drtool.progress.run_state import RunState

_BESIDE = {Purpose.ASSESS, Purpose.ANNOUNCE, Purpose.REPROTECT}


def left_out(state: RunState) -> str:
    """Whose word stands in the place of which steps; "" where no such step was left out.

    Without them nobody can say that the objectives were met. What is looked at before a failover,
    and what sets up a standby after it, counts only where that is what the procedure is for.
    """
    protects = state.plan.procedure is Procedure.REPROTECT
    beside = {Purpose.ANNOUNCE} if protects else _BESIDE
    steps = [one for one in state.steps if one.skipped_by and one.purpose not in beside]
    people = ", ".join(dict.fromkeys(one.skipped_by for one in steps))
    verb = "was" if len(steps) == 1 else "were"
    return f"{', '.join(one.name for one in steps)} {verb} left out by {people}" if steps else ""
