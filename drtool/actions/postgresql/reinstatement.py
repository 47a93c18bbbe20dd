"""What reinstate sees of the server that was left and of the one it shall follow."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from drtool.action import Facts, Look
from drtool.actions.postgresql.loose_ends import LooseEnds, look_at_loose_ends
from drtool.actions.postgresql.rewinding import reason_no_rewind, tried_in_vain
from drtool.actions.postgresql.sides import other_side, place_of, system_at
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.postgresql.lineage import LineageReader
from drtool.connections.postgresql_host import PostgresqlHostReader
from drtool.connections.redfish import PowerReader
from drtool.errors import DrtoolError, Unreachable
from drtool.model.lineage import Lineage, Tail
from drtool.model.postgresql_host import HostState
from drtool.model.replication import Replication
from drtool.model.value import Value
from drtool.safety.divergence import (
    diverged,
    end_of,
    reason_other_branch,
    reason_split_brain,
    timeline_of,
)

Power = Literal["on", "off", "none", "unknown"]


class Reinstated(Value):
    """How far the server that was left is on its way to following the new primary.

    ``tail`` is what its WAL holds beyond the point where the source left its timeline; it is read
    while the server is stopped, and gone after the rewind. ``following`` is the aim: a standby
    that streams from the source on the source's timeline; ``loose_ends`` is looked at then.
    ``configured`` says that this run has made it the source's standby. ``no_rewind`` is why it
    cannot be rewound, ``tried_in_vain`` what a rewind said that this run has tried.
    """

    place: str
    source_place: str
    at: datetime
    power: Power = "none"
    host: HostState | None = None
    host_trouble: str = ""
    standby: Replication | None = None
    source: Replication
    lineage: Lineage
    tail: Tail | None = None
    diverged: bool = False
    configured: bool = False
    following: bool = False
    loose_ends: LooseEnds | None = None
    split_brain: str = ""
    no_rewind: str = ""
    tried_in_vain: str = ""

    @property
    def identity(self) -> str:
        """The cluster that both must be of."""
        return self.source.system_identifier


def note_of(facts: Facts, source_place: str) -> str:
    """What stands in ``standby.signal`` of a server that this run made follow the source."""
    return f"drtool run {facts.run}: follows {source_place}"


def look_at_both(look: Look) -> Reinstated:
    """Power, host, server and source, as far as each can be asked.

    Raises Unreachable when the source does not answer: nothing can be judged without it.
    """
    facts = look.facts
    place, source_place = str(place_of(facts)), str(other_side(facts))
    reader = look.reach(LineageReader, source_place)
    source, lineage = reader.replication(), reader.lineage()
    standby = _standby(look, place)
    following = standby is not None and follows(standby, source, facts)
    seen = Reinstated(
        place=place,
        source_place=source_place,
        at=look.now(),
        standby=standby,
        source=source,
        lineage=lineage,
        following=following,
    )
    if following and standby is not None:
        ends = look_at_loose_ends(look, standby, source)
        return seen.model_copy(update={"loose_ends": ends})
    host, trouble = _host(look, place)
    power = _power(look) if host is None else "on"
    seen = seen.model_copy(update={"host": host, "host_trouble": trouble, "power": power})
    if host is None:
        return seen
    noted = host.standby_signal and host.note == note_of(facts, source_place)
    configured = noted and not host.held
    seen = seen.model_copy(update={"configured": configured})
    return seen if configured or host.running else _stopped(look, seen, host)


def follows(standby: Replication, source: Replication, facts: Facts) -> bool:
    """Whether it streams on the source's timeline, and from no other server."""
    receiver = standby.receiver
    if not (standby.in_recovery and standby.streaming and receiver):
        return False
    system, place = system_at(facts, other_side(facts)), other_side(facts)
    address = system.address or facts.inventory.sites[place.site].address
    elsewhere = receiver.sender_host not in {None, address} or (
        receiver.sender_port not in {None, system.port}
    )
    return (
        not elsewhere
        and standby.system_identifier == source.system_identifier
        and receiver.timeline == source.timeline
    )


def _standby(look: Look, place: str) -> Replication | None:
    try:
        return look.reach(PostgresqlReader, place).replication()
    except DrtoolError:
        return None


def _host(look: Look, place: str) -> tuple[HostState | None, str]:
    try:
        return look.reach(PostgresqlHostReader, place).state(), ""
    except Unreachable as error:
        return None, error.line()


def _power(look: Look) -> Power:
    """What the controller says of a host that does not answer."""
    system = system_at(look.facts, place_of(look.facts))
    host = look.facts.inventory.hosts.get(system.host)
    if host is None or host.power is None:
        return "none"
    try:
        return "off" if look.reach(PowerReader, system.host).state().off else "on"
    except DrtoolError:
        return "unknown"


def _stopped(look: Look, seen: Reinstated, host: HostState) -> Reinstated:
    """Where a stopped server parted from the source, and whether it can be rewound."""
    seen = seen if host.held else _with_tail(look, seen, host)
    return seen.model_copy(
        update={
            "no_rewind": reason_no_rewind(host, seen.lineage, seen.tail, diverged=seen.diverged),
            "tried_in_vain": tried_in_vain(host, look.facts.run),
        }
    )


def _with_tail(look: Look, seen: Reinstated, host: HostState) -> Reinstated:
    """Where a stopped server parted from the source, and what it wrote since."""
    control, lineage = host.control, seen.lineage
    if control is None or control.system_identifier != seen.identity:
        return seen
    timeline = timeline_of(control)
    left = lineage.left(timeline)
    reader = look.reach(PostgresqlHostReader, seen.place)
    read = reader.tail(timeline, end_of(control) if left is None else left)
    tail = read if left is not None else None
    split = reason_other_branch(host, read.forks, lineage)
    if split is None and tail is not None:
        skew = read.host_ahead_seconds - (seen.source.now - look.now()).total_seconds()
        split = reason_split_brain(seen.place, tail, lineage, _fenced_at(look.facts), skew)
    return seen.model_copy(
        update={
            "tail": tail,
            "diverged": diverged(control, tail),
            "split_brain": split or "",
        }
    )


def _fenced_at(facts: Facts) -> datetime | None:
    """When this very run proved the fence, if it did."""
    place = str(place_of(facts))
    return min((proof.at for proof in facts.proofs if proof.subject == place), default=None)
