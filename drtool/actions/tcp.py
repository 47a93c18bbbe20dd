"""Checks on TCP ports."""

from __future__ import annotations

from pydantic import Field

from drtool.action import Check, Facts, Look
from drtool.connections.reach import Reader
from drtool.connections.tcp import Accepted, TcpReader
from drtool.connections.typed import connects, typed
from drtool.errors import BadInput
from drtool.model.inventory import Plain, Port
from drtool.model.purpose import Purpose
from drtool.units import Duration


class Answers(Check[Accepted]):
    """Something accepts TCP connections at a host and port; nothing is sent."""

    purpose = Purpose.VERIFY

    host: Plain | None = Field(
        default=None, description="A name or an address; default: the service's endpoint."
    )
    port: Port = Field(description="The port to connect to.")
    timeout: Duration = Field(default=Duration(1), description="How long one try may take.")

    def observe(self, look: Look) -> Accepted:
        """Connect once, at the address that the zone's servers give."""
        host = self._host(look.facts)
        return look.reach(TcpReader, "").connect(host, self.port, self.timeout.seconds)

    def judge(self, seen: Accepted, facts: Facts) -> str | None:
        """A connection that was accepted is all that is asked for."""
        del seen, facts
        return None

    def by_hand(self, facts: Facts) -> list[str]:
        """The command that connects."""
        seconds = max(1, round(self.timeout.seconds))
        return [
            typed(connects(self._host(facts), self.port, seconds)),
            "It must say that it connects; ask until it does.",
        ]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The means to connect."""
        del facts
        return [(TcpReader, "")]

    def _host(self, facts: Facts) -> str:
        host = self.host or facts.inventory.services[facts.service].endpoint
        if not host:
            raise BadInput(
                f"service {facts.service}", "has no endpoint", hint="write the step's host"
            )
        return host
