"""What must hold of every run's record, whoever wrote it: pure, over its events."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.model.event import Event, StepEnded, StepIntent, StepStarted
from drtool.model.purpose import Outcome

_DONE = {Outcome.SUCCEEDED, Outcome.SKIPPED}


def ran_twice(events: list[Event]) -> Iterator[str]:
    """What is recorded as done never runs again, but to be taken back."""
    done: set[str] = set()
    for event in events:
        body = event.body
        if isinstance(body, StepStarted) and body.via_reason == "unwinding":
            done.discard(body.step)
        elif isinstance(body, StepIntent | StepStarted) and body.step in done:
            yield f"step {body.step} ran again after it was done"
        elif isinstance(body, StepEnded) and body.outcome in _DONE:
            done.add(body.step)
