"""Threads that take steps from one feed; one more than is busy, so that no step waits for one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context

from drtool.compiler.message import Close, Ready

Feed = queue.SimpleQueue[Ready | Close]


class Lanes:
    """Carries the steps of a feed side by side, each in a copy of the context it was made in.

    Prefect's own pool would add a hop to each step, and would wait at the end for a step that
    hangs. ``carry`` may raise: the engine runs a step itself that nobody has claimed.
    """

    def __init__(self, feed: Feed, carry: Callable[[Ready], None]) -> None:
        self._feed, self._carry = feed, carry
        self._open = self._idle = 0
        self._close: Close | None = None
        self._changed = threading.Condition()

    def run(self, settle_seconds: float) -> Close:
        """Carry until the feed brings the end; steps under way get ``settle_seconds`` more."""
        with self._changed:
            self._add()
            self._changed.wait_for(lambda: self._close is not None)
            self._changed.wait_for(lambda: self._open == 0, settle_seconds)
        if self._close is None:
            raise AssertionError("the lanes were left before the feed's end")
        return self._close

    def _add(self) -> None:
        self._open += 1
        self._idle += 1
        context = copy_context()
        threading.Thread(
            target=context.run, args=(self._lane,), name="prefect-lane", daemon=True
        ).start()

    def _lane(self) -> None:
        while isinstance(item := self._feed.get(), Ready):
            with self._changed:
                self._idle -= 1
                if self._idle == 0:
                    self._add()
            with suppress(Exception):
                self._carry(item)
            with self._changed:
                self._idle += 1
        with self._changed:
            self._close = item
            self._open -= 1
            self._changed.notify_all()
        self._feed.put(item)  # each lane leaves by it, once it has carried what it took before
