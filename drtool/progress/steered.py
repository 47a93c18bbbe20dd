"""Fold what people asked of a run: pauses, single steps, unwinding, escalation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from drtool.model.event import Instant
from drtool.model.steering import (
    EscalationAsked,
    RunContinued,
    RunPaused,
    StepDirected,
    UnwindAsked,
)
from drtool.progress.run_state import Directed, Pause

Steering = RunPaused | RunContinued | StepDirected | UnwindAsked | EscalationAsked


@dataclass
class Steered:
    """What was asked so far; the first who asks for an unwinding or an escalation is kept."""

    pauses: list[Pause] = field(default_factory=list)
    directed: list[Directed] = field(default_factory=list)
    unwinding: UnwindAsked | None = None
    escalation: EscalationAsked | None = None

    @property
    def paused(self) -> bool:
        """Whether nothing more may begin."""
        return bool(self.pauses) and self.pauses[-1].over is None

    def left_out(self, name: str) -> StepDirected | None:
        """The first who wants a step left out."""
        skips = (one.asked for one in self.directed if one.asked.verb == "skip")
        return next((one for one in skips if one.step == name), None)

    def take(self, at: Instant, body: Steering) -> None:
        """Take one event."""
        match body:
            case RunPaused():
                if not self.paused:
                    self.pauses.append(Pause(body, at))
            case RunContinued():
                if self.paused:
                    self.pauses[-1] = replace(self.pauses[-1], over=body, over_at=at)
            case StepDirected():
                self.directed.append(Directed(body, at))
            case UnwindAsked():
                self.unwinding = self.unwinding or body
            case EscalationAsked():
                self.escalation = self.escalation or body
