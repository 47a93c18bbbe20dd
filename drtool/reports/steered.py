"""What people asked of a run in its course, as its report has it."""

from __future__ import annotations

from collections.abc import Sequence

from drtool.model.event import Event
from drtool.model.steering import (
    EscalationAsked,
    RunContinued,
    RunPaused,
    StepDirected,
    UnwindAsked,
)
from drtool.progress.run_state import RunState
from drtool.progress.words import word
from drtool.reports.values import SteeredLine


def steered_lines(events: Sequence[Event]) -> tuple[SteeredLine, ...]:
    """Every pause, retry, skip, unwinding and escalation, with who, when and why."""
    return tuple(line for event in events if (line := _line(event)) is not None)


def steered_sentences(state: RunState) -> str:
    """The same for the story: skipped steps, pauses, what became of the run."""
    told = [
        f"Step {one.name} was left out by {one.skipped_by}."
        for one in state.steps
        if one.skipped_by
    ]
    if state.pauses:
        times = "once" if len(state.pauses) == 1 else f"{len(state.pauses)} times"
        people = ", ".join(dict.fromkeys(one.asked.by for one in state.pauses))
        told.append(f"The run was paused {times}, by {people}.")
    asked = (state.unwinding, state.escalation)
    told += [f"{word(one).rstrip('.')}." for one in asked if one is not None]
    return " ".join(told)


def _line(event: Event) -> SteeredLine | None:
    body, step = event.body, ""
    match body:
        case RunPaused():
            verb = "pause"
        case RunContinued():
            verb = "continue"
        case StepDirected():
            verb, step = body.verb, body.step
        case UnwindAsked():
            verb = "unwind"
        case EscalationAsked():
            verb = "escalate"
        case _:
            return None
    return SteeredLine(
        verb=verb, step=step, by=body.by, reason=body.reason, at=event.at.wall, text=word(body)
    )
