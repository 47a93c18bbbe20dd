"""Which system a step acts on, and which stands at the other site."""

from __future__ import annotations

from drtool.action import Facts, Hands
from drtool.connections.postgresql import PostgresqlReader, PostgresqlSession
from drtool.connections.reach import Reader
from drtool.errors import BadInput
from drtool.model.inventory import Postgresql, Served
from drtool.model.place import Place
from drtool.model.purpose import Procedure


def place_of(facts: Facts) -> Place:
    """The system that ``at`` names; raises BadInput when it names none."""
    if facts.at is None or facts.at.system is None:
        raise BadInput(f"step {facts.step}", "does not say which system it acts on", "at: from")
    return facts.at


def system_at(facts: Facts, place: Place) -> Postgresql:
    """The inventory's entry of a server; raises BadInput when it is of another kind."""
    found = facts.inventory.server(str(place))
    if found is None:
        raise BadInput(f"step {facts.step}", f"{place} is no PostgreSQL server", hint="at: SITE")
    return found


def identity_at(facts: Facts, place: Place) -> str | None:
    """The system identifier that a server or a cluster must have, if the inventory says so."""
    found = facts.inventory.system(str(place))
    return found.system_identifier if isinstance(found, Served) else None


def other_side(facts: Facts, site: str | None = None) -> Place:
    """The counterpart of the step's system at the run's ``to`` site, by name or as the only one.

    Raises BadInput when there is none, or when the step acts at ``to`` itself.
    """
    place, other = place_of(facts), site or facts.direction.to_site
    if other is None or other == place.site:
        raise BadInput(f"step {facts.step}", "has no other site to look at", hint="--to SITE")
    found = facts.inventory.counterparts(place, other)
    if len(found) != 1:
        raise BadInput(
            f"site {other}", f"has {len(found)} systems for {place}", f"one named {place.system}"
        )
    return Place(site=other, system=found[0])


def session_for(hands: Hands, place: str) -> PostgresqlSession:
    """A session that can write, opened anew if an earlier one was lost; it holds no lease."""
    session = hands.reach(PostgresqlSession, place)
    if session.lost:
        hands.drop(PostgresqlSession, place)
        session = hands.reach(PostgresqlSession, place)
    return session


def readers_of(facts: Facts, *places: Place) -> list[tuple[type[Reader], str]]:
    """Readers of the places whose servers are there at the start.

    The server at the site that was left answers only after a reprotect's own steps.
    """
    reprotects = facts.procedure is Procedure.REPROTECT
    absent = facts.direction.from_site if reprotects else None
    return [(PostgresqlReader, str(place)) for place in places if place.site != absent]
