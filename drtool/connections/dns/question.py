"""What is asked of one DNS server and what comes back, in values that need no library."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BadBase64
from dataclasses import dataclass, field
from typing import Literal, Protocol

from drtool.errors import BadInput, MissingExtra, Unreachable

Transport = Literal["udp", "tcp"]


class ReplyLost(Unreachable):
    """Raised when something was sent and no reply came: it may have been carried out."""


@dataclass(frozen=True)
class Place:
    """A server as messages name it, and where it listens."""

    subject: str
    address: str
    port: int


@dataclass(frozen=True)
class Route:
    """How a message goes to a server, and for how long its reply is waited for.

    Over UDP it is sent so many ``times``, evenly, until a reply comes; only questions may be.
    """

    place: Place
    transport: Transport
    seconds: float
    times: int = 1


@dataclass(frozen=True)
class TsigKey:
    """A key that signs questions; its secret is base64."""

    name: str
    secret: str = field(repr=False)
    algorithm: str

    @property
    def decoded(self) -> bytes:
        """The secret itself; raises BadInput, without it, when it is not base64."""
        try:
            return b64decode(self.secret, validate=True)
        except (BadBase64, ValueError) as error:
            raise BadInput(f"TSIG key {self.name}", "its secret is not base64") from error


@dataclass(frozen=True)
class Found:
    """The reply's code, and the values with their TTL in seconds where there are any.

    ``signed_at`` is when the server signed it, by its own clock in seconds since the epoch.
    """

    code: str
    values: tuple[str, ...] = ()
    ttl: int | None = None
    alias: str = ""
    authoritative: bool = True
    signed_at: int | None = None


@dataclass(frozen=True)
class Replacement:
    """A name whose records of one type are exchanged, if they are still the old ones."""

    name: str
    rdtype: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    ttl: int


class Wire(Protocol):
    """The module that speaks DNS: ``drtool.connections.dns.wire``."""

    def ask(self, route: Route, name: str, rdtype: str, key: TsigKey | None = None) -> Found:
        """What the server answers."""

    def look_up(self, route: Route, name: str, rdtype: str) -> Found:
        """What a resolver answers, aliases followed."""

    def replace(self, route: Route, zone: str, change: Replacement, key: TsigKey) -> str:
        """The code with which the server answers a guarded update."""

    def try_update(self, route: Route, zone: str, change: Replacement, key: TsigKey) -> str:
        """The code with which the server answers an update that cannot be carried out."""


def speak() -> Wire:
    """The module that speaks DNS; raises MissingExtra when dnspython is not installed."""
    try:
        from drtool.connections.dns import wire  # noqa: PLC0415 - dnspython only when used
    except ImportError as error:
        raise MissingExtra("dns", "dns") from error
    return wire
