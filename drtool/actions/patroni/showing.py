"""Who can be asked whether the members of a cluster can still write; silence is data."""

from __future__ import annotations

from drtool.action import Facts, Look
from drtool.actions.patroni.sides import look_at, words_of
from drtool.actions.postgresql.sides import identity_at, other_side, place_of
from drtool.connections.postgresql import PostgresqlReader
from drtool.errors import DrtoolError
from drtool.model.patroni import Cluster
from drtool.model.place import Place
from drtool.safety.fence import parts_of
from drtool.safety.patroni import reason_able_to_write, reason_not_demoted


def parts_at(facts: Facts) -> tuple[Place, ...]:
    """The members that must each be fenced."""
    return parts_of(place_of(facts), facts.inventory)


def cluster_or_why(look: Look, place: Place | None = None) -> Cluster:
    """What Patroni says; why it could not be asked stands in the DCS's place."""
    try:
        return look_at(look, place)
    except DrtoolError as error:
        where = str(place or place_of(look.facts))
        return Cluster(place=where, at=look.now(), nodes=(), dcs_trouble=error.found)


def identity_or_none(look: Look) -> str | None:
    """Which cluster it must be: the inventory's word, else the other side's."""
    known = identity_at(look.facts, place_of(look.facts))
    if known is not None:
        return known
    try:
        other = look.reach(PostgresqlReader, str(other_side(look.facts)))
        return other.replication().system_identifier
    except DrtoolError:
        return None


def shown_by_patroni(look: Look) -> set[str]:
    """The members that their own words and Patroni's configuration show fenced now."""
    if reason_not_demoted(cluster_or_why(look)) is not None:
        return set()
    identity, words = identity_or_none(look), words_of(look, place_of(look.facts))
    return {word.place for word in words if reason_able_to_write(word, identity) is None}
