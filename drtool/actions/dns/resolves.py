"""Whether a name has the address that it should have."""

from __future__ import annotations

from pydantic import Field

from drtool.action import Check, Facts, Look, Target
from drtool.actions.dns.pointing import (
    ADDRESS,
    NAME,
    Pointing,
    dns_of,
    endpoint,
    pointing,
    site_address,
)
from drtool.connections.dns import ResolversReader, ZoneReader
from drtool.connections.reach import Reader
from drtool.connections.typed import dig, typed
from drtool.model.purpose import Purpose
from drtool.model.words import Ipv4


class Resolves(Check[Pointing]):
    """A name has the site's address at every server that answers, and enough answer.

    So it has at every resolver of the inventory that answers.
    """

    purpose = Purpose.VERIFY
    target = Target.SITE

    name: str | None = Field(default=None, description=NAME)
    address: Ipv4 | None = Field(default=None, description=ADDRESS)

    def observe(self, look: Look) -> Pointing:
        """What every server says, and every resolver."""
        seen = pointing(look, self.name, self.address or site_address(look.facts))
        says = look.reach(ResolversReader, "").answers(seen.name)
        return seen.model_copy(update={"resolvers": says})

    def judge(self, seen: Pointing, facts: Facts) -> str | None:
        """A server with another address or an alias blocks; one that is cut off does not."""
        del facts
        if seen.behind:
            told = "; ".join(str(said) for said in seen.behind)
            return f"{seen.name} is {told}, expected {seen.wanted}"
        kept = [one for one in seen.resolvers if not one.trouble and one.values != (seen.wanted,)]
        if kept:
            told = "; ".join(map(str, kept))
            return f"{seen.name} is kept by resolvers: {told}, expected {seen.wanted}"
        return seen.too_few()

    def by_hand(self, facts: Facts) -> list[str]:
        """The questions to ask."""
        dns, name = dns_of(facts), self.name or endpoint(facts)
        wanted = self.address or site_address(facts)
        asked = [typed(dig(server, name)) for server in dns.servers.values()]
        asked += [typed(dig(one, name)) for one in dns.resolvers.values()]
        return [*asked, f"At least {dns.min_servers} must say {wanted}, and none another address."]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """All servers at once."""
        del facts
        return [(ZoneReader, ""), (ResolversReader, "")]
