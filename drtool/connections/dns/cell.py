"""A TXT record of one server as a cell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from drtool.connections.cell import Kept
from drtool.connections.dns.server import Answer, DnsHands
from drtool.connections.reach import Context
from drtool.errors import Refused
from drtool.units import Duration

_TTL = Duration(1)


class DnsCell:
    """A name's TXT record, exchanged with an RFC 2136 prerequisite on its old value."""

    def __init__(self, hands: DnsHands, label: str, context: Context) -> None:
        self._hands, self._clock = hands, context.clock
        self._name = f"{label}.{hands.zone}"

    @classmethod
    def open(cls, server: str, label: str, context: Context) -> Self:
        """The name ``label`` of the zone at one server; raises as opening DnsHands does."""
        return cls(DnsHands.open(server, context), label, context)

    @property
    def where(self) -> str:
        """The server."""
        return f"dns {self._hands.server}"

    def read(self) -> Kept:
        """What the server itself has."""
        return Kept(values=self._hands.answer(self._name, "TXT").values)

    def exchange(self, old: Kept, new: str) -> bool:
        """Update it; the server refuses when the old value is not there."""
        before = Answer(name=self._name, rdtype="TXT", values=old.values)
        try:
            self._hands.replace(before, (new,), _TTL)
        except Refused:
            return False
        return True

    def now(self) -> datetime:
        """The time by which the server signs, in whole seconds; ours where it tells none."""
        told = self._hands.server_time()
        return self._clock.wall() if told is None else datetime.fromtimestamp(told, UTC)

    def close(self) -> None:
        """End the connection."""
        self._hands.close()
