"""What the engine needs of the world around it; bootstrap fills these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drtool.model.event import Event, RunEnded, Via
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Outcome

Work = Callable[[Via, str], Outcome | None]
"""Runs one step, whatever carries it; tells how the step ended, None where nobody asks."""


class Executor(Protocol):
    """Carries steps; whatever happens to it, each step's work is called exactly once."""

    name: str

    def start(self, plan: Plan, run: str, on_cancel: Callable[[], None]) -> None:
        """Begin to carry a run; must return at once. ``on_cancel`` asks the engine to abort."""

    def submit(self, step: PlanStep, work: Work) -> None:
        """Have ``work(via, reason)`` called on a thread, once; must return at once."""

    def finish(self, ended: RunEnded, report: str) -> str:
        """Flush records for at most five seconds; what was not recorded, as a sentence or ""."""


class Listener(Protocol):
    """Follows the events of a run; nothing that it does can stop or delay the run."""

    def hear(self, event: Event) -> None:
        """Take note of one event; must return at once."""
