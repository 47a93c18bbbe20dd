"""How the lab's service and customers find the database: through the zone's own servers."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from drtool.errors import Unreachable
from drtool.lab.layout import Address

ASK_SECONDS = 0.3
KEEP_SECONDS = 1.0
LARGEST_DATAGRAM = 4096


@dataclass(frozen=True)
class _Kept:
    address: str
    until: float


class Endpoint:
    """A name and the servers that know its address; safe to use from several threads.

    An answer is kept for its TTL, a second at most, and forgotten at the first failure.
    """

    def __init__(self, name: str, servers: tuple[Address, ...]) -> None:
        self.name, self._servers = name, servers
        self._kept: _Kept | None = None
        self._lock = threading.Lock()

    def address(self) -> str:
        """The endpoint's address; raises Unreachable when no server gives one."""
        kept = self._kept
        if kept is not None and time.monotonic() < kept.until:
            return kept.address
        troubles = []
        for server in self._servers:
            try:
                kept = _ask(server, self.name)
            except (OSError, dns.exception.DNSException, Unreachable) as error:
                troubles.append(f"{server[0]}: {error or type(error).__name__}")
                continue
            with self._lock:
                self._kept = kept
                # The server that answered is asked first the next time.
                others = tuple(other for other in self._servers if other != server)
                self._servers = (server, *others)
            return kept.address
        raise Unreachable(f"name {self.name}", "; ".join(troubles))

    def forget(self) -> None:
        """Ask again the next time."""
        self._kept = None


def _ask(server: Address, name: str) -> _Kept:
    query = dns.message.make_query(name, dns.rdatatype.A)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(ASK_SECONDS)
        # Connected, so that a closed port is told at once instead of by the clock.
        sock.connect(server)
        sock.send(query.to_wire())
        answer = dns.message.from_wire(sock.recv(LARGEST_DATAGRAM))
    if not query.is_response(answer) or answer.rcode() != dns.rcode.NOERROR or not answer.answer:
        raise Unreachable(f"name {name}", f"answered {answer.rcode().name} and no address")
    found = answer.answer[-1]
    return _Kept(str(found[0]), time.monotonic() + min(found.ttl, KEEP_SECONDS))


def parse_address(text: str) -> Address:
    """``127.0.1.1:5353`` as host and port."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Several addresses with commas between them."""
    return tuple(parse_address(part) for part in text.split(","))
