"""A resolver such as clients ask: it keeps what it heard for as long as the TTL said, or longer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.rrset


@dataclass
class Kept:
    """An answer, and until when it is given again."""

    rrset: dns.rrset.RRset
    until: float


class CachingResolver:
    """Forwards to one authoritative server and keeps its answers; ``lie`` is for ever.

    With ``lag`` it is one whose cache was filled right before the zone changed: it goes on with the
    old answer for so long. The next ``drops`` questions are lost; ``dropped`` counts them.
    """

    def __init__(self, upstream: tuple[str, int], *, lag: float = 0.0, lie: str = "") -> None:
        self.upstream, self.lag, self.lie = upstream, lag, lie
        self.asked = self.from_cache = self.drops = self.dropped = 0
        self._kept: dict[str, Kept] = {}
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self.address, self.port = self._udp.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def prime(self, name: str) -> None:
        """Have a client ask, so that the answer of now is kept from now on."""
        self._kept.pop(f"{name}.", None)
        self._answer(f"{name}.")

    def values(self, name: str) -> list[str]:
        """What a client of this resolver is told."""
        query = dns.message.make_query(name, "A")
        reply = dns.query.udp(query, self.address, timeout=5, port=self.port)
        return [str(value) for rrset in reply.answer for value in rrset]

    def close(self) -> None:
        self._udp.sendto(b"", (self.address, self.port))
        self._thread.join()
        self._udp.close()

    def _serve(self) -> None:
        while True:
            wire, peer = self._udp.recvfrom(4096)
            if not wire:
                return
            if self.drops:
                self.drops -= 1
                self.dropped += 1
                continue
            query = dns.message.from_wire(wire)
            self.asked += 1
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.RA
            found = self._answer(query.question[0].name.to_text())
            if found is not None:
                reply.answer.append(found)
            self._udp.sendto(reply.to_wire(), peer)

    def _answer(self, name: str) -> dns.rrset.RRset | None:
        now = time.monotonic()
        if self.lie:
            return dns.rrset.from_text(name, 60, "IN", "A", self.lie)
        kept = self._kept.get(name)
        if kept is not None and self.lag:
            fresh = self._heard(name)
            if fresh is not None and set(fresh.rrset) != set(kept.rrset):
                # the moment of the change is that of the first question after it
                self._kept[name] = kept = Kept(kept.rrset, min(kept.until, now + self.lag))
        if kept is None or kept.until <= now:
            kept = self._heard(name)
            if kept is None:
                return None
            if self.lag and name not in self._kept:
                kept = Kept(kept.rrset, float("inf"))
            self._kept[name] = kept
        else:
            self.from_cache += 1
        left = max(0, round(min(kept.until - now, 3600)))
        return dns.rrset.from_rdata_list(kept.rrset.name, left, list(kept.rrset))

    def _heard(self, name: str) -> Kept | None:
        host, port = self.upstream
        heard = dns.query.udp(dns.message.make_query(name, "A"), host, timeout=5, port=port)
        if not heard.answer:
            return None
        return Kept(heard.answer[0], time.monotonic() + float(heard.answer[0].ttl))


@contextmanager
def caching_resolver(
    upstream: tuple[str, int], *, lag: float = 0.0, lie: str = ""
) -> Iterator[CachingResolver]:
    made = CachingResolver(upstream, lag=lag, lie=lie)
    try:
        yield made
    finally:
        made.close()
