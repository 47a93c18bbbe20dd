"""How a step's outcome is shown as a state of Prefect's."""

from __future__ import annotations

from drtool.compiler.claim import Job
from drtool.model.event import Via
from drtool.model.purpose import Outcome

RAN_DIRECTLY = "ran directly"


def kind_of(outcome: Outcome) -> str:
    """The type of the state; an outcome that is none yet means that the engine left."""
    if not outcome.ended:
        return "CRASHED"
    if outcome in {Outcome.SUCCEEDED, Outcome.SKIPPED}:
        return "COMPLETED"
    return "CANCELLED" if outcome is Outcome.ABORTED else "FAILED"


def shown_as(job: Job) -> tuple[str, str]:
    """The type of a step's state and its text, which says so if the step ran directly."""
    text = job.outcome.value
    if job.via is Via.DIRECT:
        text = f"{text}; {RAN_DIRECTLY}: {job.reason}"
    return kind_of(job.outcome), text
