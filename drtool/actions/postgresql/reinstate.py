"""postgresql.reinstate: bring the server that was left back as a standby of the new primary."""

from __future__ import annotations

import contextlib
from typing import ClassVar, Literal

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.postgresql.by_hand import (
    RECEIVER,
    copy,
    follow_again,
    log_in,
    on_host,
    password_of,
    queries,
    rewind,
)
from drtool.actions.postgresql.loose_ends import RESTORE_POLICY, slot_of, tie_up
from drtool.actions.postgresql.reinstatement import Reinstated, look_at_both, note_of
from drtool.actions.postgresql.rewinding import connection_trouble
from drtool.actions.postgresql.sides import other_side, place_of, session_for, system_at
from drtool.connections.postgresql import PostgresqlSession
from drtool.connections.postgresql.lineage import LineageReader
from drtool.connections.postgresql_host import PostgresqlHostHands, Source
from drtool.connections.reach import Reader
from drtool.connections.redfish import PowerHands
from drtool.connections.typed import restore_policy, switch_on
from drtool.errors import AccessDenied, DrtoolError, Refused, StepFailed
from drtool.model.change import Change
from drtool.model.postgresql_host import IN_ARCHIVE_RECOVERY, HostState
from drtool.model.purpose import Purpose
from drtool.model.replication import position_text
from drtool.safety.divergence import timeline_of
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.processes import reason_managed
from drtool.units import Duration

_SHORTEST_STOP_SECONDS = 15.0


class Reinstate(StateAction[Reinstated]):
    """Make the server that was left follow the new primary, by rewind or by a new copy.

    What only it has written is taken back; with ``keep: divergent_wal`` that WAL and the list of
    its commits are kept on its host first. Commits after the fence, or after anybody's promotion
    since, are split brain, and refused; so are those that may be. ``method: rewind`` never makes a
    new copy, ``rebuild`` always does.
    """

    purpose: ClassVar[Purpose] = Purpose.REPROTECT
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    default_deadline: ClassVar[Duration] = Duration(2 * 3600)

    keep: Literal["divergent_wal", "nothing"] = Field(
        default="divergent_wal", description="What is kept of what only this server has written."
    )
    method: Literal["auto", "rewind", "rebuild"] = Field(
        default="auto", description="Rewind, a new copy, or a copy where no rewind is possible."
    )

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The source; the old host is reached when it is there."""
        source = str(other_side(facts))
        return [(LineageReader, source), (PostgresqlSession, source)]

    def observe(self, look: Look) -> Reinstated:
        """Power, host, server and source, and how far the two have diverged."""
        return look_at_both(look)

    def changes(self, seen: Reinstated) -> list[Change]:
        """One, until it streams from the source on its timeline; then what was left behind."""
        if seen.loose_ends is not None:
            return seen.loose_ends.changes
        after = f"a standby of {seen.source_place}"
        if self.keep == "divergent_wal":
            after += ", the WAL that only it has kept aside"
        before, why = _before(seen), self._reason_to_copy(seen)
        before += f"; to be copied, not rewound: {why}" if why else ""
        return [Change(subject=f"postgresql {seen.place}", before=before, after=after)]

    def reason_to_wait(self, seen: Reinstated) -> str | None:
        """Its machine starts, or its server does and catches up."""
        if seen.loose_ends is not None:
            return seen.loose_ends.reason_to_wait
        if seen.host is None:
            return None if seen.power == "off" else seen.host_trouble
        if seen.configured and seen.host.running:
            where = seen.standby.position if seen.standby else None
            return (
                f"{seen.place} is started as a standby at {position_text(where)}, "
                f"not yet streaming from {seen.source_place}{_why_not(seen)}"
            )
        return None

    def reason_not_to_apply(self, seen: Reinstated, facts: Facts) -> str | None:
        """Split brain, another cluster, no primary to follow, or another tool in charge."""
        del facts
        if (against := _reason_against_source(seen)) or seen.following:
            return against
        if seen.lineage.role_trouble:
            return f"nobody can follow {seen.source_place}: its {seen.lineage.role_trouble}"
        if seen.host is None:
            return None
        against = _reason_against_host(seen, seen.host) or seen.split_brain
        if against or self.method != "rewind" or not seen.no_rewind:
            return against or None
        return f"{seen.place} cannot be rewound: {seen.no_rewind}; set method: rebuild, or auto"

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """The next thing that is due: power, stop, keep and rewind, or start."""
        del changes
        seen = look_at_both(hands)
        if seen.loose_ends is not None:
            tie_up(hands, seen.loose_ends)
            return
        if seen.host is None or (seen.host.control is None and not seen.host.held):
            self._power_on(hands, seen)
            return
        reason = self.reason_not_to_apply(seen, hands.facts)
        if reason is not None:
            raise Refused(f"reinstate of {seen.place}", reason)
        host = hands.reach(PostgresqlHostHands, seen.place)
        if seen.host.running:
            host.stop(seen.identity, "drtool: to be reinstated", _SHORTEST_STOP_SECONDS, kill=True)
            seen = look_at_both(hands)
            if seen.no_rewind or self.reason_not_to_apply(seen, hands.facts) is not None:
                return  # the next look says why it has to be copied, or left alone
        if not seen.configured:
            self._make_standby(hands, host, seen)
        host.start_server()

    def by_hand(self, facts: Facts) -> list[str]:
        """Keep the tail, rewind or copy, put the configuration back, follow."""
        place, source = place_of(facts), other_side(facts)
        server, target = system_at(facts, place), system_at(facts, source)
        host, slot = facts.inventory.hosts.get(server.host), slot_of(target)
        power = host.power if host else None
        return [
            "Keep clients away: without a boot guard PostgreSQL could start as a primary.",
            *([switch_on(power)] if power else []),
            *queries(
                facts,
                source,
                "CHECKPOINT",
                f"SELECT pg_create_physical_replication_slot('{slot}', true)",
            ),
            "If the slot is there already, that is well.",
            log_in(facts, server),
            *on_host(server, rewind(server, target)),
            "If it cannot be rewound, copy the other server instead:",
            *on_host(server, copy(server, target, slot)),
            "Either way:",
            *on_host(server, follow_again(server, target, place.site)),
            password_of(target),
            *queries(facts, place, RECEIVER),
            "It must be streaming, on the timeline of the other.",
            "Then, if its fence has set another:",
            *([restore_policy(power, RESTORE_POLICY)] if power else []),
            f"If its promotion emptied synchronous_standby_names at {source}, set them as before.",
        ]

    def _power_on(self, hands: Hands, seen: Reinstated) -> None:
        """Switch the machine on; its guard keeps PostgreSQL back until there is a signal."""
        system = system_at(hands.facts, place_of(hands.facts))
        if seen.host is not None:
            raise StepFailed(f"host of {seen.place}", seen.host.control_trouble)
        if seen.power != "off":
            raise StepFailed(f"reinstate of {seen.place}", seen.host_trouble)
        if not system.boot_guard:
            raise StepFailed(
                f"reinstate of {seen.place}",
                f"host {system.host} is off, and no boot guard would keep PostgreSQL from "
                "starting as a primary",
                hint=f"switch it on by hand, cut off from clients, and "
                f"touch {system.data_directory}/standby.signal",
            )
        controller = hands.reach(PowerHands, system.host)
        with contextlib.suppress(DrtoolError):  # a controller without it is no obstacle
            controller.set_restore_policy(RESTORE_POLICY)
        controller.reset("On")

    def _make_standby(self, hands: Hands, host: PostgresqlHostHands, seen: Reinstated) -> None:
        """Rewind, copy or only configure; the slot and a checkpoint at the source come first."""
        source = Source.of(seen.source_place, seen.place, host.context)
        session = session_for(hands, seen.source_place)
        session.create_slot(source.slot)
        session.checkpoint()
        note = note_of(hands.facts, seen.source_place)
        left = hands.facts.seconds_left
        seconds = self.default_deadline.seconds if left is None else left
        if self._reason_to_copy(seen):
            self._keep(hands, host, seen)
            self._rebuild(host, source, seen, note, seconds)
        elif not seen.diverged:
            host.write_standby_configuration(source, seen.identity, note)
        else:
            self._keep(hands, host, seen)
            self._rewind(host, source, seen, note, seconds)

    def _reason_to_copy(self, seen: Reinstated) -> str:
        """Why a new copy is made, or ""."""
        if self.method == "rebuild":
            return "the step says method: rebuild"
        known = "; ".join(filter(None, (seen.no_rewind, seen.tried_in_vain)))
        return known if self.method == "auto" else ""

    def _keep(self, hands: Hands, host: PostgresqlHostHands, seen: Reinstated) -> None:
        """Keep what only this server has, before anything is taken back."""
        if self.keep == "nothing" or seen.tail is None or not seen.diverged:
            return
        control = seen.host.control if seen.host else None
        if control is not None:
            host.keep_tail(seen.tail, hands.facts.run, control.segment_bytes)

    def _rewind(
        self, host: PostgresqlHostHands, source: Source, seen: Reinstated, note: str, seconds: float
    ) -> None:
        """Rewind; where that failed, or only seems to have been done, the next look finds why."""
        done = host.rewind(source, seen.identity, note, seen.lineage.timeline, seconds=seconds)
        if not done.trouble:
            return
        subject = f"reinstate of {seen.place}"
        if done.untouched and connection_trouble(done.trouble):
            hint = f"let {source.user} in from there: pg_hba.conf of {seen.source_place}"
            raise AccessDenied(subject, done.trouble, "a rewind", hint)
        raise StepFailed(subject, done.trouble, "a rewind", "set method: rebuild, or auto")

    def _rebuild(
        self, host: PostgresqlHostHands, source: Source, seen: Reinstated, note: str, seconds: float
    ) -> None:
        done = host.rebuild(source, seen.identity, note, seconds)
        if done.trouble:
            raise StepFailed(
                f"reinstate of {seen.place}", done.trouble, "a copy of the source",
                f"let {source.replication_user} in from there: pg_hba.conf of the source",
            )  # fmt: skip


def _why_not(seen: Reinstated) -> str:
    trouble = seen.lineage.role_trouble
    return f": its {trouble}" if trouble else "; its own log says why"


def _before(seen: Reinstated) -> str:
    """What it is now, for the change."""
    if seen.host is None:
        return f"host is {seen.power}" if seen.power in {"on", "off"} else "host does not answer"
    if seen.host.held:
        return "half rewound, held back"
    if seen.host.running:
        return seen.host.control.state if seen.host.control else "running"
    if seen.diverged and seen.tail is not None:
        at, count = position_text(seen.tail.position), seen.tail.commits
        return f"stopped, diverged at {at} with {count} commits that only it has"
    return "stopped"


def _reason_against_source(seen: Reinstated) -> str | None:
    """What speaks against following this server."""
    if seen.source.in_recovery:
        return f"{seen.source_place} is a standby: there is no primary to follow"
    if not seen.lineage.missing_rights:
        return None
    names = ", ".join(seen.lineage.missing_rights)
    return (
        f"our user at {seen.source_place} may not call {names}: without them nobody "
        "knows where the two parted; "
        "GRANT EXECUTE ON FUNCTION to that user, or name a superuser in the inventory"
    )


def _reason_against_host(seen: Reinstated, host: HostState) -> str | None:
    """What speaks against touching this host."""
    control = host.control
    if control is None:
        return None
    stranger = reason_not_same_cluster(seen.place, control.system_identifier, seen.identity)
    if stranger is not None or (managed := reason_managed(host)) is not None:
        return stranger or managed
    if host.running and control.state != IN_ARCHIVE_RECOVERY:
        return (
            f"split brain suspected: {seen.place} runs as a primary on timeline "
            f"{timeline_of(control)} while {seen.source_place} is one on timeline "
            f"{seen.lineage.timeline}; fence it before it is reinstated"
        )
    return None
