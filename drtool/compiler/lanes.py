"""Threads that take jobs from one feed; one more than is busy, so that no job waits for one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass

from drtool.compiler.claim import Job
from drtool.model.purpose import Outcome


@dataclass(frozen=True, slots=True)
class Closing:
    """What the flow ends with: the run's outcome, a sentence, the report in Markdown."""

    outcome: Outcome
    text: str
    report: str


Feed = queue.SimpleQueue[Job | Closing]


class Lanes:
    """Carries the jobs of a feed side by side, each in a copy of the context it was made in.

    Prefect's own pool would add a hop to each step, and would wait at the end for a step that
    hangs. ``carry`` may raise: a job that it has not claimed is run by the engine itself.
    """

    def __init__(self, feed: Feed, carry: Callable[[Job], None]) -> None:
        self._feed, self._carry = feed, carry
        self._idle = self._busy = 0
        self._closing: Closing | None = None
        self._changed = threading.Condition()

    def run(self, settle_seconds: float) -> Closing:
        """Carry until the feed brings the end; jobs under way get ``settle_seconds`` more."""
        self._open()
        with self._changed:
            self._changed.wait_for(lambda: self._closing is not None)
            self._changed.wait_for(lambda: self._busy == 0, settle_seconds)
        if self._closing is None:
            raise AssertionError("the lanes were left before the feed's end")
        return self._closing

    def _open(self) -> None:
        self._idle += 1
        context = copy_context()
        threading.Thread(
            target=context.run, args=(self._lane,), name="prefect-lane", daemon=True
        ).start()

    def _lane(self) -> None:
        while isinstance(item := self._feed.get(), Job):
            with self._changed:
                self._idle -= 1
                self._busy += 1
                if self._idle == 0:
                    self._open()
            with suppress(Exception):
                self._carry(item)
            with self._changed:
                self._idle += 1
                self._busy -= 1
                self._changed.notify_all()
        with self._changed:
            self._closing = item
            self._changed.notify_all()
        self._feed.put(item)
