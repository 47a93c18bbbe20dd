"""What the world is like after a run, and what to do now."""

from __future__ import annotations

from drtool.model.event import World
from drtool.model.purpose import Outcome
from drtool.progress.options import verb_on_same
from drtool.progress.protection import unprotected
from drtool.progress.run_state import RunState
from drtool.reports.values import NextLine

_WORLD = {
    World.UNTOUCHED: "Nothing was changed.",
    World.PREPARED: "Preparations were made; the service itself was not touched.",
    World.FENCED: "The old primary is fenced and nobody was promoted: nothing is writable.",
    World.PROMOTED: "The new primary takes writes, but clients are not sent to it.",
    World.REDIRECTED: "Clients are sent to the new primary; that they are served was not shown.",
    World.RECOVERED: "The service answers, and the plan was carried out to its end.",
    World.IN_DOUBT: "An effect began whose end is not known: look before anything else is done.",
}


def world_text(state: RunState) -> str:
    """The state of the world in one sentence or two."""
    if not state.mode.changes_the_world:
        return f"This was a {state.mode.value}: nothing was changed."
    text = _WORLD[state.world if state.ended else state.world_if_stopped]
    if state.ended is None:
        return f"The run has not ended. If it stopped now: {text}"
    if unprotected(state):
        text += " The service is unprotected: it has nowhere left to go until reprotect has run."
    return text


def next_steps(state: RunState) -> tuple[NextLine, ...]:
    """What to do now, the most urgent first."""
    found: list[NextLine] = []
    plan, run = state.plan, state.run
    if state.ended is None:
        found.append(NextLine(text="See how the run stands", command=f"drtool attach {run}"))
    if not state.mode.changes_the_world:
        if state.ended is not None and state.ended.outcome is Outcome.SUCCEEDED:
            command = verb_on_same(state, plan.procedure.value)
            found.append(NextLine(text="Do it for real", command=command))
        return tuple(found)
    if state.ended is not None and state.ended.outcome is not Outcome.SUCCEEDED:
        text = "See what is done, what is not, and what can be typed now"
        found.append(NextLine(text=text, command=f"drtool explain {run}"))
    if state.ended is not None and state.ended.hint:
        found.append(NextLine(text=state.ended.hint))
    if state.ended is not None and unprotected(state):
        text = "Protect the service again: it runs on one site only"
        found.append(NextLine(text=text, command=verb_on_same(state, "reprotect")))
    found += [
        NextLine(text=f"Correct the budget of step {step.name}, or what slows it: it was exceeded")
        for step in state.steps
        if step.plan.budget is not None and step.seconds > step.plan.budget.seconds
    ]
    return tuple(found)
