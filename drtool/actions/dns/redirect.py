"""Point a name at a site."""

from __future__ import annotations

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.dns.pointing import (
    ADDRESS,
    NAME,
    Pointing,
    dns_of,
    endpoint,
    move,
    old_addresses,
    pointing,
    site_address,
)
from drtool.connections.dns import ZoneHands, ZoneReader
from drtool.connections.reach import Reader
from drtool.connections.typed import dig, nsupdate, typed
from drtool.errors import Refused, StepFailed
from drtool.model.change import Change
from drtool.model.purpose import Purpose
from drtool.model.words import Ipv4
from drtool.units import Duration


class Redirect(StateAction[Pointing]):
    """Point a name at a site: every reachable server is updated, then asked again.

    Each update has the server's own value as its prerequisite, so that a change by somebody
    else in between is refused, and puts the new address in the same message in which it takes
    the old one away: the name is never empty. It is done when every server that answers gives
    the new address and at least the inventory's ``min_servers`` do; a server that answers the
    old one, or an alias, blocks, one that is cut off is named in ``cut_off`` and does not.
    """

    purpose = Purpose.REDIRECT
    target = Target.SITE
    default_deadline = Duration(60)

    name: str | None = Field(default=None, description=NAME)
    address: Ipv4 | None = Field(default=None, description=ADDRESS)
    replaces: Ipv4 | None = Field(
        default=None,
        description="The address that may be there now; default: that of the site left.",
    )
    ttl: Duration | None = Field(
        default=None, description="The new record's TTL; default: the inventory's dns.ttl."
    )

    def observe(self, look: Look) -> Pointing:
        """What every server says."""
        if not look.facts.mode.changes_the_world:
            look.reach(ZoneReader, "").check_keys()
        wanted = self.address or site_address(look.facts)
        return pointing(look, self.name, wanted, self.replaces)

    def changes(self, seen: Pointing) -> list[Change]:
        """One change for the name, whichever servers still have to make it."""
        if not seen.behind and seen.too_few() is None:
            return []
        single = seen.address if seen.address != seen.wanted else ""
        return [Change(subject=seen.name, before=single or seen.told(), after=seen.wanted)]

    def reason_to_wait(self, seen: Pointing) -> str | None:
        """Wait when all servers that answer are right, and too few answer."""
        return None if seen.behind else seen.too_few()

    def reason_not_to_apply(self, seen: Pointing, facts: Facts) -> str | None:
        """Refuse when a server gives an address that the plan does not know."""
        del facts
        if not seen.strangers:
            return None
        told = "; ".join(str(said) for said in seen.strangers)
        return f"the plan is stale: {seen.name} is {told}, expected {' or '.join(seen.may_be)}"

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Update the servers that are behind, each guarded by what it says at this moment."""
        del changes
        seen = self.observe(hands)
        reason = self.reason_not_to_apply(seen, hands.facts)
        if reason:
            raise Refused(f"step {hands.facts.step}", reason)
        ttl = self.ttl or dns_of(hands.facts).ttl
        hands.reach(ZoneHands, "").replace(
            [move(seen.name, said, (seen.wanted,), ttl) for said in seen.behind]
        )
        if hands.facts.attempt > 1:
            _name_those_that_stay(seen, self.observe(hands))

    def by_hand(self, facts: Facts) -> list[str]:
        """An nsupdate with its prerequisite for each server, then a question to each."""
        dns, name = dns_of(facts), self.name or endpoint(facts)
        wanted = self.address or site_address(facts)
        ttl = round((self.ttl or dns.ttl).seconds)
        lines = [f"Point {name} at {wanted} at every server that answers."]
        for name_of, server in dns.servers.items():
            now = typed(dig(server, name))
            update = (
                f"prereq yxrrset {name} A {old_addresses(facts, self.replaces)[0]}",
                f"update delete {name} A",
                f"update add {name} {ttl} A {wanted}",
            )
            lines += [f"At {name_of}:", typed(nsupdate(dns, server, update)), now]
        return [*lines, f"At least {dns.min_servers} must say {wanted}, and none another address."]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """All servers at once: one of them being down must not stop a start."""
        del facts
        return [(ZoneReader, ""), (ZoneHands, "")]


def _name_those_that_stay(before: Pointing, after: Pointing) -> None:
    """Raises StepFailed with the servers that take every update and change nothing."""
    told = {said.server for said in before.behind}
    stayed = [said for said in after.behind if said.server in told]
    if stayed:
        raise StepFailed(
            f"dns server {', '.join(said.server for said in stayed)}",
            f"took the update, yet answers as before: {'; '.join(map(str, stayed))}",
            after.wanted,
            "look at its log: is its zone frozen, or copied from another server?",
        )
