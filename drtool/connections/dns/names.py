"""How drtool's own checks find an address: through the zone's servers where the zone has it."""

from __future__ import annotations

import ipaddress
import socket

from drtool.connections.dns.resolvers import ResolversReader
from drtool.connections.dns.zone import ZoneReader
from drtool.connections.reach import Context
from drtool.errors import StepFailed, Unreachable


class Names:
    """Turns host names into addresses; safe to use from several threads."""

    def __init__(self, context: Context) -> None:
        dns = context.inventory.dns
        self._zone = ZoneReader(context) if dns is not None else None
        self._resolvers = ResolversReader(context) if dns is not None and dns.resolvers else None
        self._endpoints = {
            one.endpoint.rstrip(".").lower()
            for one in context.inventory.services.values()
            if one.endpoint
        }

    def close(self) -> None:
        """Let the zone's servers go, and the resolvers."""
        for reader in (self._zone, self._resolvers):
            if reader is not None:
                reader.close()

    def address(self, host: str) -> str:
        """The address to connect to; asked anew each time.

        A name of the inventory's zone is asked of the zone's servers, another of the machine's
        resolver. Raises Unreachable, and StepFailed when the zone's servers differ, or when a
        resolver that customers ask keeps another address of an endpoint.
        """
        if _is_address(host):
            return host
        name = host.rstrip(".").lower()
        if self._zone is not None and f".{name}".endswith(f".{self._zone.zone.lower()}"):
            return self._as_customers_see(name, self._zone.address(name))
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(f"name {host}", f"has no address: {error.strerror}") from error
        return str(found[0][4][0])

    def _as_customers_see(self, name: str, address: str) -> str:
        """The address, once no resolver that answers, or did a moment ago, has another one."""
        says = self._resolvers.answers(name) if self._resolvers and name in self._endpoints else ()
        for said in says:
            if not said.trouble and said.values != (address,):
                resolver, _, told = str(said).partition(" ")
                raise StepFailed(
                    f"name {name}", f"resolver {resolver} still answers {told}", address
                )
        return address


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
