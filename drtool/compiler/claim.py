"""Who runs a step: a Prefect task if it comes in time, else the engine itself; never both."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from drtool.engine.ports import Work
from drtool.model.event import Via
from drtool.model.plan import PlanStep
from drtool.model.purpose import Outcome

CLAIM_SECONDS = 0.25
MISSES_BEFORE_DIRECT = 2

NOT_UP = "Prefect had not taken the run yet"
TOO_LATE = f"Prefect did not start it within {CLAIM_SECONDS * 1000:.0f} ms"
NOT_ANSWERING = f"Prefect did not start the last {MISSES_BEFORE_DIRECT} steps in time"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Where Prefect shows a step: its task run, and the task runs before it."""

    task_run: str
    upstream: tuple[str, ...]


class Job:
    """One step's work; whoever claims it first runs it, and nobody else."""

    def __init__(self, step: PlanStep, work: Work, drawn: Drawn) -> None:
        self.step, self.drawn = step, drawn
        self.via: Via | None = None
        self.reason = ""
        self.outcome = Outcome.PENDING
        self._work = work
        self._lock = threading.Lock()

    def claim(self, via: Via, reason: str = "") -> bool:
        """Whether the caller, and nobody else, is to run the work."""
        with self._lock:
            if self.via is not None:
                return False
            self.via, self.reason = via, reason
            return True

    def run(self) -> None:
        """Do the claimed work and keep its outcome; a work that raises has failed.

        None is the outcome of a step that the engine has left, or broke in: it waits to be resumed.
        """
        if self.via is None:
            raise AssertionError(f"step {self.step.name} is run without being claimed")
        self.outcome = Outcome.FAILED
        self.outcome = self._work(self.via, self.reason) or Outcome.WAITING


class Pulse:
    """What Prefect has shown so far, and how long the next step may therefore wait for it.

    Invariant: while Prefect has taken nothing, all steps together wait for it no longer than
    one claim; after that, one that stops starting steps costs no more than
    ``MISSES_BEFORE_DIRECT`` claims until it shows life again.
    """

    def __init__(self) -> None:
        self.up = threading.Event()
        self.flow_run = self.ended = ""
        self._first_asked: float | None = None
        self._misses = 0
        self._lock = threading.Lock()

    def patience(self, now: float) -> tuple[float, str]:
        """How many seconds the step submitted now waits, and why it goes directly after that."""
        with self._lock:
            if self.ended:
                return 0.0, self.ended
            if not self.up.is_set():
                if self._first_asked is None:
                    self._first_asked = now
                return max(0.0, self._first_asked + CLAIM_SECONDS - now), NOT_UP
            if self._misses >= MISSES_BEFORE_DIRECT:
                return 0.0, NOT_ANSWERING
            return CLAIM_SECONDS, TOO_LATE

    def take(self, flow_run: str) -> None:
        """Prefect has taken the run."""
        self.flow_run = flow_run
        self.up.set()

    def missed(self) -> None:
        """A step waited in vain; not counted before Prefect has taken the run."""
        with self._lock:
            if self.up.is_set():
                self._misses += 1

    def beat(self) -> None:
        """Prefect started a step, in time or late."""
        with self._lock:
            self._misses = 0

    def end(self, reason: str) -> None:
        """Prefect will start nothing more."""
        with self._lock:
            self.ended = reason
