"""Turn signals into inputs of the scheduler, which decides what they mean."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from drtool.engine.context import Inbox, Signalled

_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """While it is entered, signals only wake the scheduler; off the main thread it does nothing.

    A handler may run at any instruction of the main thread: all that it does is put a value into
    a SimpleQueue, whose ``put`` is reentrant.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _HANDLED:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._inbox.put(Signalled(number))
