"""Open connections once, keep them warm, hand them out as readers or as writers."""

from __future__ import annotations

import threading
from typing import ClassVar, Self, TypeVar, cast

from drtool.clock import Clock
from drtool.connections.secrets import Secrets
from drtool.connections.silences import Silences
from drtool.connections.token_guard import TokenGuard
from drtool.errors import Unreachable
from drtool.model.inventory import Inventory

CONNECT_SECONDS = 2.0


class Context:
    """What opening a connection may need: the inventory, the secrets, the clock, a time limit.

    ``guard`` is put before what is run on hosts, as soon as the run holds its lease. ``silences``
    are the machines that did not answer lately, for all connections alike.
    """

    def __init__(
        self,
        inventory: Inventory,
        secrets: Secrets,
        clock: Clock,
        connect_seconds: float = CONNECT_SECONDS,
        run: str = "",
    ) -> None:
        self.inventory, self.secrets, self.clock = inventory, secrets, clock
        self.connect_seconds, self.run = connect_seconds, run
        self.silences = Silences()
        self.guard: TokenGuard | None = None


class Reader:
    """Typed reads of one target; never anything that changes it."""

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Connect to the named target.

        Raises Unreachable when it does not answer in time, AccessDenied when it turns us away.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End the connection; never raises."""


class Writer(Reader):
    """Writes to one target; ``needs_lease`` is false for one that only tells people."""

    needs_lease: ClassVar[bool] = True


R = TypeVar("R", bound=Reader)


class Connections:
    """All the connections of a run, by kind and target; safe to use from several threads."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._open: dict[tuple[type[Reader], str], Reader] = {}
        self._locks: dict[tuple[type[Reader], str], threading.Lock] = {}
        self._guard = threading.Lock()
        self._closed = False

    def get(self, kind: type[R], target: str) -> R:
        """The connection of that kind to that target, opened if need be.

        Raises what opening it raises, and Unreachable once all were closed: a thread that comes
        late must not leave one open that nobody will end.
        """
        key = (kind, target)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._open:
                self._keep(key, kind.open(target, self.context))
            return cast("R", self._open[key])

    def opened(self, kind: type[R], target: str) -> R | None:
        """The connection of that kind to that target where there is one; none is opened."""
        with self._guard:
            return cast("R | None", self._open.get((kind, target)))

    def drop(self, kind: type[Reader], target: str) -> None:
        """Forget a broken connection, so that the next ``get`` opens a new one."""
        with self._guard:
            gone = self._open.pop((kind, target), None)
        if gone is not None:
            gone.close()

    def close(self) -> None:
        """End all connections, for good."""
        with self._guard:
            gone, self._open, self._closed = list(self._open.values()), {}, True
        for connection in gone:
            connection.close()

    def _keep(self, key: tuple[type[Reader], str], opened: Reader) -> None:
        with self._guard:
            if not self._closed:
                self._open[key] = opened
                return
        opened.close()
        raise Unreachable(f"connection to {key[1]}", "came after all connections were closed")
