"""Resolvers that customers ask: what they still say, while they keep an old answer."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from drtool.connections.dns.question import Place, Route, speak
from drtool.connections.reach import Context, Reader
from drtool.errors import DrtoolError
from drtool.model.value import Name, Value
from drtool.units import Duration

SECONDS = 0.5
# One that was silent a moment ago is not waited for again until this much later.
SILENT_SECONDS = 15.0


class ResolverSays(Value):
    """What one resolver says of a name, and how long it will; ``trouble`` is why it says nothing.

    One that does not answer serves nobody, and does not count.
    """

    resolver: Name
    values: tuple[str, ...] = ()
    left: Duration | None = None
    trouble: str = ""

    def __str__(self) -> str:
        """The resolver and what it says, as people read it."""
        kept = f" (kept for {self.left})" if self.left is not None and self.left.seconds else ""
        return f"{self.resolver} {self.trouble or ', '.join(self.values) or '(no address)'}{kept}"


class ResolversReader(Reader):
    """Asks all the inventory's resolvers as a customer does; safe to use from several threads."""

    def __init__(self, context: Context) -> None:
        found = context.inventory.dns.resolvers if context.inventory.dns else {}
        self._places = {
            name: Place(f"resolver {name} ({one.address}:{one.port})", one.address, one.port)
            for name, one in found.items()
        }
        self._wire = speak() if found else None
        self._silent: dict[str, float] = {}
        self._threads = ThreadPoolExecutor(len(found) or 1, thread_name_prefix="resolvers")

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Ready to ask; ``target`` is empty."""
        del target
        return cls(context)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False)

    def answers(self, name: str, rdtype: str = "A") -> tuple[ResolverSays, ...]:
        """What each resolver says, in the inventory's order."""
        asked = [
            self._threads.submit(self._ask, resolver, place, name, rdtype)
            for resolver, place in self._places.items()
        ]
        return tuple(one.result() for one in asked)

    def _ask(self, resolver: str, place: Place, name: str, rdtype: str) -> ResolverSays:
        if time.monotonic() - self._silent.get(resolver, -SILENT_SECONDS) < SILENT_SECONDS:
            return ResolverSays(resolver=resolver, trouble="was silent a moment ago")
        try:
            if self._wire is None:
                return ResolverSays(resolver=resolver, trouble="was not asked")
            found = self._wire.look_up(Route(place, "udp", SECONDS), name, rdtype)
        except DrtoolError as error:
            self._silent[resolver] = time.monotonic()
            return ResolverSays(resolver=resolver, trouble=error.found)
        if found.code not in {"NOERROR", "NXDOMAIN"}:
            return ResolverSays(resolver=resolver, trouble=f"answers {found.code}")
        left = None if found.ttl is None else Duration(float(found.ttl))
        return ResolverSays(resolver=resolver, values=found.values, left=left)
