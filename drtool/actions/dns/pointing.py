"""Where a name points, server by server: what DNS actions and checks look at."""

from __future__ import annotations

from drtool.action import Facts, Look
from drtool.connections.dns import Answer, Move, ResolverSays, ServerSays, ZoneReader
from drtool.errors import BadInput
from drtool.model.inventory import Dns
from drtool.model.value import Value
from drtool.units import Duration

NAME = "The name; default: the service's endpoint."
ADDRESS = "The address that the name shall have; default: that of the site at `at`."


class Pointing(Value):
    """Where a name points: what each server says, and what they should say.

    ``address`` is what all servers that answer agree on, empty when they differ. ``may_be`` are
    the addresses that a sound plan expects to find. ``cut_off`` names the servers that do not
    answer, ``agreeing`` those that give the wanted address with authority. ``ttl`` is the longest
    one. ``resolvers`` are those that customers ask, where a check looks at them.
    """

    name: str
    wanted: str = ""
    may_be: tuple[str, ...] = ()
    address: str = ""
    ttl: Duration | None = None
    wanted_ttl: Duration | None = None
    servers: tuple[ServerSays, ...] = ()
    agreeing: tuple[str, ...] = ()
    cut_off: tuple[str, ...] = ()
    min_servers: int = 1
    resolvers: tuple[ResolverSays, ...] = ()

    @property
    def answering(self) -> tuple[ServerSays, ...]:
        """The servers that could be asked."""
        return tuple(said for said in self.servers if said.answers)

    @property
    def behind(self) -> tuple[ServerSays, ...]:
        """The servers that answer something else than is wanted."""
        return tuple(said for said in self.answering if said.values != (self.wanted,))

    @property
    def strangers(self) -> tuple[ServerSays, ...]:
        """The servers that answer what neither the old site nor the new one explains."""
        return tuple(
            said
            for said in self.behind
            if said.alias
            or (said.values and not (len(said.values) == 1 and said.values[0] in self.may_be))
        )

    def too_few(self) -> str | None:
        """A sentence when fewer servers agree than must."""
        if len(self.agreeing) >= self.min_servers:
            return None
        return f"{len(self.agreeing)} of at least {self.min_servers} servers agree: {self.told()}"

    def told(self) -> str:
        """What each server says, as people read it."""
        return "; ".join(str(said) for said in self.servers)


def pointing(look: Look, name: str | None, wanted: str = "", old: str | None = None) -> Pointing:
    """Ask every server of the zone; one that does not answer is part of what is seen."""
    facts = look.facts
    asked = name or endpoint(facts)
    zone = look.reach(ZoneReader, "")
    servers = zone.answers(asked)
    values = {said.values for said in servers if said.answers}
    single = next(iter(values)) if len(values) == 1 else ()
    ttls = [said.ttl for said in servers if said.ttl is not None]
    return Pointing(
        name=asked,
        wanted=wanted,
        may_be=(wanted, *old_addresses(facts, old)),
        address=single[0] if len(single) == 1 else "",
        ttl=max(ttls) if ttls else None,
        servers=servers,
        agreeing=tuple(
            said.server for said in servers if said.values == (wanted,) and said.authority
        ),
        cut_off=tuple(said.server for said in servers if not said.answers),
        min_servers=zone.min_servers,
    )


def endpoint(facts: Facts) -> str:
    """The name that customers of the service follow; raises BadInput when it has none."""
    found = facts.inventory.services[facts.service].endpoint
    if not found:
        raise BadInput(
            f"service {facts.service}",
            "the inventory names no endpoint for it",
            hint=f"write services.{facts.service}.endpoint, or the step's name",
        )
    return found.rstrip(".")


def site_address(facts: Facts) -> str:
    """The address of the site at ``at``, of ``to`` where nothing is written."""
    site = facts.at.site if facts.at else facts.direction.to_site
    if site is None or site not in facts.inventory.sites:
        raise BadInput(f"step {facts.step}", "no site to point to", "at: SITE, or an address")
    return facts.inventory.sites[site].address


def old_addresses(facts: Facts, old: str | None) -> tuple[str, ...]:
    """The addresses that may be there before the change: that of the site left, if one is."""
    left, sites = facts.direction.from_site, facts.inventory.sites
    if old:
        return (old,)
    return (sites[left].address,) if left in sites else tuple(s.address for s in sites.values())


def dns_of(facts: Facts) -> Dns:
    """The inventory's zone and servers; raises BadInput when it has none."""
    if facts.inventory.dns is None:
        raise BadInput("dns", "the inventory names no zone and no servers")
    return facts.inventory.dns


def move(name: str, said: ServerSays, values: tuple[str, ...], ttl: Duration) -> Move:
    """One server's change, from what it says to the values and the TTL."""
    old = Answer(name=name, values=said.values, ttl=said.ttl)
    return Move(server=said.server, old=old, values=values, ttl=ttl)


def longer(said: ServerSays, limit: Duration) -> bool:
    """Whether a server lets its answer be kept for longer than that."""
    return said.ttl is not None and said.ttl > limit
