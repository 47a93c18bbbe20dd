"""What the world is like after a run, and what to do now."""

from __future__ import annotations

from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.progress.commands import again, has_command, is_in_runbook, start
from drtool.progress.protection import unprotected
from drtool.progress.run_state import RunState
from drtool.progress.standing import standing
from drtool.reports.values import NextLine


def world_text(state: RunState) -> str:
    """The state of the world in a sentence or two."""
    if state.ended is not None or not state.mode.changes_the_world:
        return standing(state, state.world)
    return f"The run has not ended. If it stopped now: {standing(state, state.world_if_stopped)}"


def next_steps(state: RunState) -> tuple[NextLine, ...]:
    """What to do now, the most urgent first."""
    found: list[NextLine] = []
    run, ended = state.run, state.ended
    if ended is None:
        found.append(NextLine(text="See how the run stands", command=f"drtool explain {run}"))
    if not state.mode.changes_the_world:
        well = ended is not None and ended.outcome is Outcome.SUCCEEDED
        if well and has_command(state.plan.procedure):
            found.append(NextLine(text="Do it for real", command=again(state, mode=Mode.LIVE)))
        return tuple(found)
    if ended is not None and ended.outcome is not Outcome.SUCCEEDED:
        text = "See what is done, what is not, and what can be typed now"
        found.append(NextLine(text=text, command=f"drtool explain {run}"))
    if ended is not None and ended.hint and not ended.hint.startswith("drtool "):
        found.append(NextLine(text=ended.hint))
    if ended is not None and unprotected(state) and is_in_runbook(state, Procedure.REPROTECT):
        text = "Protect the service again: it runs on one site only"
        command = start(state, Procedure.REPROTECT, state.plan.direction)
        found.append(NextLine(text=text, command=command))
    found += [
        NextLine(text=f"Correct the budget of step {step.name}, or what slows it: it was exceeded")
        for step in state.steps
        if step.plan.budget is not None and step.seconds > step.plan.budget.seconds
    ]
    return tuple(found)
