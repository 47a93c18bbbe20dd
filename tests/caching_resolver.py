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
    """Forwards to one authoritative server; ``floor`` clamps short TTLs, ``lie`` is for ever."""

    def __init__(self, upstream: tuple[str, int], *, floor: float = 0.0, lie: str = "") -> None:
        self.upstream, self.floor, self.lie = upstream, floor, lie
        self.asked = self.from_cache = 0
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
        if kept is None or kept.until <= now:
            query = dns.message.make_query(name, "A")
            host, port = self.upstream
            heard = dns.query.udp(query, host, timeout=5, port=port)
            if not heard.answer:
                return None
            ttl = max(float(heard.answer[0].ttl), self.floor)
            kept = self._kept[name] = Kept(heard.answer[0], now + ttl)
        else:
            self.from_cache += 1
        left = max(0, round(kept.until - now))
        return dns.rrset.from_rdata_list(kept.rrset.name, left, list(kept.rrset))


@contextmanager
def caching_resolver(
    upstream: tuple[str, int], *, floor: float = 0.0, lie: str = ""
) -> Iterator[CachingResolver]:
    made = CachingResolver(upstream, floor=floor, lie=lie)
    try:
        yield made
    finally:
        made.close()
