"""How drtool's own checks find an address: through the zone's servers where the zone has it."""

from __future__ import annotations

import ipaddress
import socket

from drtool.connections.dns.zone import ZoneReader
from drtool.connections.reach import Context
from drtool.errors import Unreachable


class Names:
    """Turns host names into addresses; safe to use from several threads."""

    def __init__(self, context: Context) -> None:
        self._zone = ZoneReader(context) if context.inventory.dns is not None else None

    def close(self) -> None:
        """Let the zone's servers go."""
        if self._zone is not None:
            self._zone.close()

    def address(self, host: str) -> str:
        """The address to connect to; asked anew each time.

        A name of the inventory's zone is asked of the zone's servers, another of the machine's
        resolver. Raises Unreachable, and StepFailed when the zone's servers differ.
        """
        if _is_address(host):
            return host
        name = host.rstrip(".").lower()
        if self._zone is not None and f".{name}".endswith(f".{self._zone.zone.lower()}"):
            return self._zone.address(name)
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(f"name {host}", f"has no address: {error.strerror}") from error
        return str(found[0][4][0])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
