"""How long resolvers may keep a name's address."""

from __future__ import annotations

from pydantic import Field

from drtool.action import Check, Facts, Hands, Look, StateAction, Target
from drtool.actions.dns.pointing import NAME, Pointing, dns_of, endpoint, longer, move, pointing
from drtool.connections.dns import ZoneHands, ZoneReader
from drtool.connections.reach import Reader
from drtool.connections.typed import dig, nsupdate, typed
from drtool.model.change import Change
from drtool.model.purpose import Purpose
from drtool.units import Duration


class LowerTtl(StateAction[Pointing]):
    """Lower a name's TTL at every reachable server, so that a later redirect is seen sooner.

    The values stay as they are. Taking it back gives each server its old TTL again.
    """

    purpose = Purpose.PROVISION
    target = Target.NONE
    one_way = False
    default_deadline = Duration(60)

    name: str | None = Field(default=None, description=NAME)
    ttl: Duration | None = Field(
        default=None, description="The TTL to have at most; default: the inventory's dns.ttl."
    )

    def observe(self, look: Look) -> Pointing:
        """What every server says."""
        limit = self.ttl or dns_of(look.facts).ttl
        return pointing(look, self.name).model_copy(update={"wanted_ttl": limit})

    def changes(self, seen: Pointing) -> list[Change]:
        """One change for the name when a server's TTL is too long."""
        slow = [said for said in seen.answering if longer(said, _limit(seen))]
        if not slow:
            return []
        before = max(said.ttl for said in slow if said.ttl is not None)
        return [Change(subject=f"TTL of {seen.name}", before=str(before), after=str(_limit(seen)))]

    def reason_not_to_apply(self, seen: Pointing, facts: Facts) -> str | None:
        """Refuse to touch a name that no server answers for, or that is an alias at one."""
        del facts
        if not seen.answering:
            return f"no server answers for {seen.name}: {seen.told()}"
        aliases = "; ".join(str(said) for said in seen.answering if said.alias)
        return f"{seen.name} is {aliases}, expected an address" if aliases else None

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Give the same values with the shorter TTL, guarded by the values."""
        del changes
        seen = self.observe(hands)
        limit = _limit(seen)
        hands.reach(ZoneHands, "").replace(
            [
                move(seen.name, said, said.values, limit)
                for said in seen.answering
                if longer(said, limit)
            ]
        )

    def undo(self, hands: Hands, before: Pointing) -> None:
        """Give each server its old TTL again, with the values that it has now."""
        was = {said.server: said.ttl for said in before.servers}
        now = self.observe(hands)
        hands.reach(ZoneHands, "").replace(
            [
                move(now.name, said, said.values, ttl)
                for said in now.answering
                if said.values and (ttl := was.get(said.server)) and ttl != said.ttl
            ]
        )

    def by_hand(self, facts: Facts) -> list[str]:
        """An nsupdate for each server that gives it the address that it has now."""
        dns, name = dns_of(facts), self.name or endpoint(facts)
        ttl = round((self.ttl or dns.ttl).seconds)
        lines = []
        for name_of, server in dns.servers.items():
            now = f"$({dig(server, name)})"
            update = (f"update delete {name} A", f"update add {name} {ttl} A {now}")
            lines += [f"At {name_of}:", typed(nsupdate(dns, server, update))]
            lines.append(typed(dig(server, name, "+noall", "+answer")))
        return [*lines, f"The address must be as before, the TTL {ttl}."]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """All servers at once."""
        del facts
        return [(ZoneReader, ""), (ZoneHands, "")]


class Ttl(Check[Pointing]):
    """A name's TTL is at most so long at every server that answers."""

    purpose = Purpose.ASSESS

    name: str | None = Field(default=None, description=NAME)
    max: Duration = Field(description="The longest TTL to accept.")

    def observe(self, look: Look) -> Pointing:
        """What every server says."""
        return pointing(look, self.name)

    def judge(self, seen: Pointing, facts: Facts) -> str | None:
        """The servers whose TTL is longer."""
        del facts
        if not seen.answering:
            return f"no server answers for {seen.name}: {seen.told()}"
        empty = [said for said in seen.answering if not said.values]
        if empty:
            return f"{seen.name} is {'; '.join(map(str, empty))}, expected an address"
        slow = [f"{said.server} {said.ttl}" for said in seen.answering if longer(said, self.max)]
        return f"TTL of {seen.name}: {', '.join(slow)}, at most {self.max}" if slow else None

    def by_hand(self, facts: Facts) -> list[str]:
        """The questions to ask."""
        name = self.name or endpoint(facts)
        return [
            *(
                typed(dig(server, name, "+noall", "+answer"))
                for server in dns_of(facts).servers.values()
            ),
            f"The TTL, the second word, must be at most {round(self.max.seconds)}.",
        ]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """All servers at once."""
        del facts
        return [(ZoneReader, "")]


def _limit(seen: Pointing) -> Duration:
    return seen.wanted_ttl or Duration(0)
