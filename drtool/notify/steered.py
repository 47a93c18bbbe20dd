"""What people asked of a run in its course, as those who follow it are told."""

from __future__ import annotations

from dataclasses import dataclass

from drtool.model.steering import (
    EscalationAsked,
    RunContinued,
    RunPaused,
    StepDirected,
    UnwindAsked,
)
from drtool.notify.card import Command, Part, Small, Tone
from drtool.progress.run_state import RunState
from drtool.progress.words import word


@dataclass(frozen=True, slots=True)
class Told:
    """One note: what it is about, its words, and what may be typed."""

    about: str
    what: str
    tone: Tone
    parts: tuple[Part, ...] = ()


def told_of(body: object, state: RunState) -> Told | None:
    """The note of an event; None for one that is not a person's word about the run."""
    match body:
        case RunPaused():
            typed = Command(f"drtool continue {state.run}", f"To go on, type on {state.host}:")
            ends = Small("What is under way goes to its end; nothing more begins.")
            return Told("the pause", word(body), Tone.ASKING, (typed, ends))
        case RunContinued():
            return Told("the end of the pause", word(body), Tone.RUNNING)
        case StepDirected():
            return Told(f"what was asked of {body.step}", word(body), Tone.WARNING)
        case UnwindAsked():
            return Told("the unwinding", word(body), Tone.WARNING)
        case EscalationAsked():
            typed = Command(f"drtool attach {body.heir}", "The failover has a thread of its own:")
            return Told("the escalation", word(body), Tone.WARNING, (typed,))
        case _:
            return None
