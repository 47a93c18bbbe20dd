"""Reach everything that a plan will need, side by side, before the first effect."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from drtool.connections.reach import Connections, Reader
from drtool.errors import DrtoolError, Unreachable

T = TypeVar("T")
OLD_SITE_SECONDS = 2.0
OTHERS_SECONDS = 10.0


@dataclass(frozen=True)
class Wanted:
    """One connection that a run will need; a ``spare`` one may fail without stopping the start."""

    kind: type[Reader]
    target: str
    spare: bool = False


@dataclass(frozen=True)
class Missed:
    """A connection that could not be opened, and why."""

    wanted: Wanted
    error: DrtoolError


class Call(threading.Thread, Generic[T]):
    """One call on a thread of its own, whose result is awaited for so long and no longer."""

    def __init__(self, name: str, make: Callable[[], T]) -> None:
        super().__init__(name=name, daemon=True)
        self._make = make
        self._result: T | DrtoolError = Unreachable(name, "did not answer in time")
        self._began = time.monotonic()
        self.start()

    def run(self) -> None:
        """Make the call and keep what it gave or raised."""
        try:
            self._result = self._make()
        except DrtoolError as error:
            self._result = error

    def result(self, within: float) -> T | DrtoolError:
        """What the call gave within so many seconds of its start, or the error in its place."""
        self.join(max(0.0, self._began + within - time.monotonic()))
        return self._result

    def value(self) -> T:
        """What the call gave, waited for as long as it takes; raises what it raised."""
        self.join()
        if isinstance(self._result, DrtoolError):
            raise self._result
        return self._result


def open_all(connections: Connections, wanted: Sequence[Wanted]) -> tuple[Missed, ...]:
    """Open all connections side by side and keep them warm; what failed, in the order given.

    A spare one gets two seconds, the others ten; nothing waits longer.
    """
    calls = [
        Call(want.target, lambda want=want: connections.get(want.kind, want.target))  # type: ignore[misc]
        for want in wanted
    ]
    results = [
        call.result(OLD_SITE_SECONDS if want.spare else OTHERS_SECONDS)
        for call, want in zip(calls, wanted, strict=True)
    ]
    return tuple(
        Missed(want, result)
        for want, result in zip(wanted, results, strict=True)
        if isinstance(result, DrtoolError)
    )
