"""The clusters that a step concerns, and how one follows the other."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor

from pydantic import JsonValue

from drtool.action import Facts, Hands, Look
from drtool.actions.postgresql.sides import place_of
from drtool.connections.patroni import PatroniHands, PatroniReader
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Reader
from drtool.connections.typed import typed
from drtool.errors import BadInput, DrtoolError
from drtool.model.inventory import Patroni
from drtool.model.patroni import Cluster, Following, Node, Word
from drtool.model.place import Place
from drtool.model.proof import Proof, ProofKind
from drtool.safety.fence import parts_of
from drtool.units import Duration

# What hosts call Patroni when it is in charge of a server.
PATRONI = "patroni"


def cluster_of(facts: Facts, place: Place) -> Patroni:
    """The inventory's entry of a cluster; raises BadInput when it is none."""
    found = facts.inventory.system(str(place))
    if not isinstance(found, Patroni):
        raise BadInput(f"step {facts.step}", f"{place} is no Patroni cluster")
    return found


def look_at(look: Look, place: Place | None = None) -> Cluster:
    """What Patroni says of the cluster at a place, the step's own by default."""
    return look.reach(PatroniReader, str(place or place_of(look.facts))).cluster()


def hands_on(hands: Hands) -> PatroniHands:
    """The means to change the step's own cluster."""
    return hands.reach(PatroniHands, str(place_of(hands.facts)))


def both_of(facts: Facts) -> list[tuple[type[Reader], str]]:
    """Reads and changes of the step's own cluster."""
    place = str(place_of(facts))
    return [(PatroniReader, place), (PatroniHands, place)]


def member_of(place: Place, node: Node) -> Place:
    """One member of the cluster at a place."""
    return place.model_copy(update={"member": node.name})


def following_of(facts: Facts, source: Place, leader: Node | None = None) -> Following:
    """How a standby cluster follows the one at ``source``: by all its members.

    Patroni writes password files for several hosts, but not for several ports: where those
    differ, only its leader is followed.
    """
    cluster = cluster_of(facts, source)
    members = list(cluster.members.values())
    if len({member.port for member in members}) > 1:
        members = [cluster.members[leader.name] if leader else members[0]]
    return Following(
        host=",".join(member.listens for member in members),
        port=str(members[0].port),
        slot=cluster.slot or "",
    )


def standby_section(following: Following) -> dict[str, JsonValue]:
    """The section ``standby_cluster`` that says so."""
    slot: dict[str, JsonValue] = {"primary_slot_name": following.slot} if following.slot else {}
    return {"host": following.host, "port": following.port, **slot}


def words_of(look: Look, place: Place) -> tuple[Word, ...]:
    """What the PostgreSQL servers of all members say, side by side."""
    parts = parts_of(place, look.facts.inventory)
    with ThreadPoolExecutor(len(parts), thread_name_prefix="members") as pool:
        return tuple(pool.map(lambda part: _word(look, str(part)), parts))


def _word(look: Look, target: str) -> Word:
    try:
        return Word(place=target, replication=look.reach(PostgresqlReader, target).replication())
    except DrtoolError as error:
        return Word(place=target, trouble=error.found)


def proof_of(
    word: Word, cluster: Cluster, identity: str, max_age: Duration, end: int | None
) -> Proof:
    """That a member is a standby, in a cluster whose configuration keeps it one.

    ``end`` is where the WAL of all its members ends, if that is known.
    """
    return Proof(
        kind=ProofKind.PROCESSES,
        subject=word.place,
        identity=identity,
        evidence=f"{word.replication}; Patroni is configured to follow {cluster.following}",
        at=cluster.at,
        max_age=max_age,
        durable=True,
        final_position=None if end is None else end - 1,
    )


def patronictl(cluster: Patroni, verb: str, *options: str) -> str:
    """One of Patroni's own commands, typed on the first member's host."""
    host = next(iter(cluster.members.values())).host
    return typed(shlex.join([*cluster.patronictl, verb, cluster.scope, *options]), host)
