"""The executor that needs nothing: each step on a thread of the engine's own process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from drtool.engine.ports import Work
from drtool.model.event import RunEnded, Via
from drtool.model.plan import Plan, PlanStep


class DirectExecutor:
    """Carries each step at once, on a daemon thread that is used again.

    A thread that hangs in a call is left behind: the engine ends the step at its deadline, and
    the process can still leave. ``why`` says why nothing else carries the steps.
    """

    name = "direct"

    def __init__(self, why: str = "") -> None:
        self._why = why
        self._work: SimpleQueue[Work] = SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def start(self, plan: Plan, run: str, on_cancel: Callable[[], None]) -> None:
        """Nothing to prepare."""
        del plan, run, on_cancel

    def ready(self) -> None:
        """Always."""

    def submit(self, step: PlanStep, work: Work) -> None:
        """Have the work done on an idle thread, or on a new one."""
        with self._lock:
            reuse = self._idle > 0
            if reuse:
                self._idle -= 1
        if not reuse:
            threading.Thread(target=self._serve, name=f"step-{step.name}", daemon=True).start()
        self._work.put(work)

    def _serve(self) -> None:
        while True:
            work = self._work.get()
            work(Via.DIRECT, self._why)
            del work
            with self._lock:
                self._idle += 1

    def finish(self, ended: RunEnded, report: str) -> str:
        """Nothing to flush."""
        del ended, report
        return ""
