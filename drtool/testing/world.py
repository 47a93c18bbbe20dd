"""A clock that can be moved, and connections that were made beforehand."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from drtool.connections.reach import Connections, Context, Reader
from drtool.connections.secrets import Secrets
from drtool.model.inventory import Inventory
from drtool.redact import Redactor

R = TypeVar("R", bound=Reader)
START = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


class MovableClock:
    """A clock that stands still until it is moved; sleeping moves it."""

    def __init__(self, start: datetime = START, boot: str = "test-boot") -> None:
        self._start, self._passed, self._boot = start, 0.0, boot
        self._lock = threading.Lock()

    def wall(self) -> datetime:
        """The wall time, in UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed

    def boot_id(self) -> str:
        """The invented boot."""
        return self._boot

    def sleep(self, seconds: float, until: threading.Event | None = None) -> bool:
        """Move the clock; True when ``until`` is set."""
        if until is not None and until.is_set():
            return True
        self.move(seconds)
        return False

    def move(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed += seconds


class FakeConnections(Connections):
    """Connections that were made beforehand, by kind and target; nothing is ever opened."""

    def __init__(
        self,
        inventory: Inventory,
        made: dict[tuple[type[Reader], str], Reader],
        clock: MovableClock | None = None,
    ) -> None:
        redactor = Redactor()
        super().__init__(Context(inventory, Secrets(redactor), clock or MovableClock()))
        self._made = made

    def get(self, kind: type[R], target: str) -> R:
        """The connection that was made for this; KeyError when a test forgot it."""
        return cast("R", self._made[kind, target])

    def opened(self, kind: type[R], target: str) -> R | None:
        """The connection that was made for this, if any."""
        return cast("R | None", self._made.get((kind, target)))

    def drop(self, kind: type[Reader], target: str) -> None:
        """Keep it; a fake does not break."""
        del kind, target
