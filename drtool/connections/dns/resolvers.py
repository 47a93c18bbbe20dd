"""Resolvers that customers ask: what they still say, while they keep an old answer."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Self

from drtool.connections.dns.question import Found, Place, Route, speak
from drtool.connections.reach import Context, Reader
from drtool.errors import DrtoolError, Unreachable
from drtool.model.value import Name, Value
from drtool.units import Duration

# A datagram may be lost: it is sent again in the middle of that time.
SECONDS = 0.6
# One that was silent a moment ago is not waited for again until this much later.
SILENT_SECONDS = 15.0


class ResolverSays(Value):
    """What one resolver says of a name, and how long it will; ``trouble`` is why it says nothing.

    One that does not answer serves nobody, and does not count; but what it said before counts
    until it has run out, with ``unheard`` as the reason why it could not be asked anew.
    """

    resolver: Name
    values: tuple[str, ...] = ()
    left: Duration | None = None
    trouble: str = ""
    unheard: str = ""

    def __str__(self) -> str:
        """The resolver and what it says, as people read it."""
        kept = f"kept for {self.left}" if self.left is not None and self.left.seconds else ""
        now = f"now: {self.unheard}" if self.unheard else ""
        notes = "; ".join(filter(None, (kept, now)))
        told = self.trouble or ", ".join(self.values) or "(no address)"
        return f"{self.resolver} {told}{f' ({notes})' if notes else ''}"


class _Question(NamedTuple):
    """What is asked of which resolver."""

    resolver: str
    name: str
    rdtype: str


class _Kept(NamedTuple):
    """A resolver's last answer, and until when it gives it, by the monotonic clock."""

    values: tuple[str, ...]
    until: float


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
        self._kept: dict[_Question, _Kept] = {}
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
            self._threads.submit(self._ask, _Question(resolver, name, rdtype), place)
            for resolver, place in self._places.items()
        ]
        return tuple(one.result() for one in asked)

    def _ask(self, question: _Question, place: Place) -> ResolverSays:
        try:
            found = self._heard(question, place)
        except DrtoolError as error:
            return self._unheard(question, error.found)
        if found.code not in {"NOERROR", "NXDOMAIN"}:
            return self._unheard(question, f"answers {found.code}")
        left = None if found.ttl is None else Duration(float(found.ttl))
        self._kept[question] = _Kept(found.values, time.monotonic() + (found.ttl or 0))
        return ResolverSays(resolver=question.resolver, values=found.values, left=left)

    def _heard(self, question: _Question, place: Place) -> Found:
        """What it answers; one that was silent a moment ago is not asked, or only once.

        Raises as looking up does, and Unreachable.
        """
        resolver, now = question.resolver, time.monotonic()
        silent = now - self._silent.get(resolver, -math.inf) < SILENT_SECONDS
        if self._wire is None or (silent and not self._left(question)):
            raise Unreachable(place.subject, "was silent a moment ago")
        route = Route(place, "udp", SECONDS / 2) if silent else Route(place, "udp", SECONDS, 2)
        try:
            found = self._wire.look_up(route, question.name, question.rdtype)
        except DrtoolError:
            self._silent[resolver] = time.monotonic()
            raise
        self._silent.pop(resolver, None)
        return found

    def _unheard(self, question: _Question, trouble: str) -> ResolverSays:
        """Its last answer while that has not run out: it, and who asked it, may still give it."""
        seconds = self._left(question)
        if not seconds:
            return ResolverSays(resolver=question.resolver, trouble=trouble)
        return ResolverSays(
            resolver=question.resolver,
            values=self._kept[question].values,
            left=Duration(float(math.ceil(seconds))),
            unheard=trouble,
        )

    def _left(self, question: _Question) -> float:
        """For how many seconds its last answer is still given."""
        kept = self._kept.get(question)
        return 0.0 if kept is None else max(0.0, kept.until - time.monotonic())
