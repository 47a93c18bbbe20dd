"""The PgBouncer that a step acts on."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from drtool.action import Facts, Hands, Look
from drtool.connections.pgbouncer import PgbouncerHands, PgbouncerReader
from drtool.connections.reach import Reader
from drtool.connections.typed import quoted, typed
from drtool.errors import BadInput
from drtool.model.inventory import Pgbouncer
from drtool.model.pgbouncer import Bouncer, Pool


def place_of(facts: Facts) -> str:
    """The PgBouncer that ``at`` names; raises BadInput when it names none."""
    if facts.at is None or not isinstance(facts.inventory.system(str(facts.at)), Pgbouncer):
        raise BadInput(f"step {facts.step}", "does not say which PgBouncer it acts on", "at: from")
    return str(facts.at)


def needs_of(facts: Facts) -> list[tuple[type[Reader], str]]:
    """Its console, for reading and for changes."""
    place = place_of(facts)
    return [(PgbouncerReader, place), (PgbouncerHands, place)]


def look_at(look: Look) -> Bouncer:
    """What it says of the service's databases."""
    return look.reach(PgbouncerReader, place_of(look.facts)).state()


def hands_on(hands: Hands) -> PgbouncerHands:
    """The means to change it."""
    return hands.reach(PgbouncerHands, place_of(hands.facts))


def subject_of(seen: Bouncer, pool: Pool) -> str:
    """A database, as changes name it."""
    return f"pgbouncer {seen.place} {pool.database}"


def reason_missing(seen: Bouncer) -> str | None:
    """A sentence when it does not have the inventory's databases."""
    if not seen.missing:
        return None
    return f"pgbouncer {seen.place} has no database {', '.join(seen.missing)}; SHOW DATABASES"


def console(facts: Facts, commands: Iterable[str]) -> list[str]:
    """Commands as a person types them; psql asks for the password by itself."""
    system = facts.inventory.system(place_of(facts))
    if not isinstance(system, Pgbouncer):
        return []
    address = system.address or facts.inventory.sites[place_of(facts).partition(".")[0]].address
    words = ["psql", "-h", address, "-p", str(system.port), "-U", system.user, "pgbouncer"]
    return [typed(f"{shlex.join(words)} -c {quoted(command)}") for command in commands]


def databases_of(facts: Facts) -> tuple[str, ...]:
    """The service's databases there."""
    system = facts.inventory.system(place_of(facts))
    return system.databases if isinstance(system, Pgbouncer) else ()
