"""postgresql.reprotect: the primary that was demoted follows the one that was promoted."""

from __future__ import annotations

from typing import ClassVar

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.postgresql.by_hand import (
    RECEIVER,
    follow,
    log_in,
    on_host,
    password_of,
    queries,
    start,
)
from drtool.actions.postgresql.loose_ends import slot_of, tie_up
from drtool.actions.postgresql.reinstate import Reinstate
from drtool.actions.postgresql.reinstatement import Reinstated, look_at_both, note_of
from drtool.actions.postgresql.sides import other_side, place_of, session_for, system_at
from drtool.connections.postgresql import PostgresqlReader, PostgresqlSession
from drtool.connections.postgresql.lineage import LineageReader
from drtool.connections.postgresql_host import PostgresqlHostHands, PostgresqlHostReader, Source
from drtool.connections.reach import Reader
from drtool.errors import DrtoolError
from drtool.model.change import Change
from drtool.model.lineage import Tail
from drtool.model.postgresql_host import HostState
from drtool.model.purpose import Purpose
from drtool.model.replication import position_text
from drtool.units import Duration

_VERB = "use postgresql.reinstate, as in `drtool reprotect`"


class Reprotect(StateAction[Reinstated]):
    """Make a primary that was stopped in order follow the new one; nothing is taken back.

    A server that has written what the new primary never had is refused: that is work for
    ``postgresql.reinstate``.
    """

    purpose: ClassVar[Purpose] = Purpose.REPROTECT
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    default_deadline: ClassVar[Duration] = Duration(120)

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The old primary's host, and the new primary."""
        place, source = str(place_of(facts)), str(other_side(facts))
        return [
            (PostgresqlHostReader, place),
            (PostgresqlHostHands, place),
            (LineageReader, source),
            (PostgresqlSession, source),
        ]

    def observe(self, look: Look) -> Reinstated:
        """Host, server and new primary, and what the old primary's time has left behind."""
        return look_at_both(look)

    def changes(self, seen: Reinstated) -> list[Change]:
        """One, until it streams from the new primary on its timeline; then what was left behind."""
        if seen.loose_ends is not None:
            return seen.loose_ends.changes
        before = "running" if seen.host and seen.host.running else "stopped"
        after = f"a standby of {seen.source_place}"
        return [Change(subject=f"postgresql {seen.place}", before=before, after=after)]

    def reason_to_wait(self, seen: Reinstated) -> str | None:
        """It was started as a standby and is not streaming yet, or has not caught up."""
        if seen.host is None and not seen.following:
            return None
        return Reinstate().reason_to_wait(seen)

    def reason_not_to_apply(self, seen: Reinstated, facts: Facts) -> str | None:
        """What reinstate would refuse, and what only reinstate can do."""
        if seen.following:
            return None
        if seen.host is None:
            return f"{seen.host_trouble}; {_VERB} once it is back"
        return Reinstate(method="rebuild").reason_not_to_apply(seen, facts) or _reason_to_reinstate(
            seen, seen.host
        )

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """The slot at the new primary first, then configuration, signal and start."""
        del changes
        place, source_place = str(place_of(hands.facts)), str(other_side(hands.facts))
        ends = look_at_both(hands).loose_ends
        if ends is not None:
            tie_up(hands, ends)
            return
        host = hands.reach(PostgresqlHostHands, place)
        source = Source.of(source_place, place, host.context)
        session = session_for(hands, source_place)
        session.create_slot(source.slot)
        identity = session.replication().system_identifier
        state = host.state()
        if state.running:
            note = "drtool: to follow another server"
            host.stop(identity, note, self.default_deadline.seconds / 4, kill=False)
            if self.reason_not_to_apply(look_at_both(hands), hands.facts) is not None:
                return  # the next look says why: what it wrote is only seen now
        host.write_standby_configuration(source, identity, note_of(hands.facts, source_place))
        host.start_server()
        self._forget(hands, place)

    def by_hand(self, facts: Facts) -> list[str]:
        """The slot, two settings, the signal, the start."""
        place, source = place_of(facts), other_side(facts)
        server, target = system_at(facts, place), system_at(facts, source)
        slot = slot_of(target)
        return [
            *queries(facts, source, f"SELECT pg_create_physical_replication_slot('{slot}', true)"),
            "If it is there already, that is well.",
            log_in(facts, server),
            *on_host(server, [*follow(server, target, place.site), start(server)]),
            password_of(target),
            *queries(facts, place, RECEIVER),
            "It must be streaming. A slot that nobody uses any more holds WAL back there:",
            *queries(facts, place, f"SELECT pg_drop_replication_slot('{slot}')"),
            f"If its promotion emptied synchronous_standby_names at {source}, set them as before.",
        ]

    def _forget(self, hands: Hands, place: str) -> None:
        """Sessions with the server that was stopped are of no use any more."""
        try:
            hands.reach(PostgresqlReader, place).replication()
        except DrtoolError:
            hands.drop(PostgresqlReader, place)


def _what_it_wrote(tail: Tail | None) -> str:
    if tail is None:
        return ""
    since = f"from {position_text(tail.position)} on"
    if tail.unreadable:
        return f", or its WAL cannot be read {since}: {tail.said or 'pg_waldump said nothing'}"
    return f", {tail.records} records {since}"


def _reason_to_reinstate(seen: Reinstated, host: HostState) -> str | None:
    """A sentence when following is not enough."""
    control = host.control
    if host.held or control is None:
        return f"{seen.place} has half a data directory: {host.control_trouble}; {_VERB}"
    if seen.diverged:
        return (
            f"{seen.place} has written what {seen.source_place} never received"
            f"{_what_it_wrote(seen.tail)}; {_VERB}"
        )
    if not host.running and not control.stopped_cleanly:
        return f"{seen.place} was not shut down in order, it is {control.state}; {_VERB}"
    return None
