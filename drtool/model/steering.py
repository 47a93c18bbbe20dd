"""What people ask of a run while it goes on, as its journal has it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from drtool.model.value import Value

Verb = Literal[
    "approve",
    "confirm",
    "deny",
    "abort",
    "state",
    "pause",
    "continue",
    "retry",
    "skip",
    "unwind",
    "escalate",
]


class StepDirected(Value):
    """A person had a step looked at again at once, or left out."""

    kind: Literal["step.directed"] = "step.directed"
    step: str
    verb: Literal["retry", "skip"]
    by: str
    reason: str = ""


class RunPaused(Value):
    """Somebody asked the run to begin nothing more; what is under way goes to its end."""

    kind: Literal["run.paused"] = "run.paused"
    by: str
    reason: str = ""


class RunContinued(Value):
    """Somebody ended the pause."""

    kind: Literal["run.continued"] = "run.continued"
    by: str
    reason: str = ""


class UnwindAsked(Value):
    """Somebody asked to take back what the run has done, newest first."""

    kind: Literal["unwind.asked"] = "unwind.asked"
    by: str
    reason: str = ""


class EscalationAsked(Value):
    """Somebody asked for a failover in place of a planned run; ``heir`` is the run that does it."""

    kind: Literal["escalation.asked"] = "escalation.asked"
    by: str
    reason: str = ""
    heir: str
    outage_start: datetime | None = None
    outage_source: str = "not measured"


Course = RunPaused | RunContinued | UnwindAsked | EscalationAsked
