"""postgresql.data_loss: what a promotion now would lose, as an early look."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from drtool.action import Check, Facts, Look, Target
from drtool.actions.postgresql.by_hand import HEARTBEAT, RECEIVED, RECEIVER, queries
from drtool.actions.postgresql.evidence import (
    Heard,
    allowed_loss,
    ask,
    await_position,
    counterpart,
    gather,
    reason_too_lossy,
)
from drtool.actions.postgresql.sides import identity_at, place_of, readers_of
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Reader
from drtool.model.inventory import Patroni
from drtool.model.purpose import Purpose
from drtool.model.replication import DataLoss, Replication
from drtool.safety.fence import trusted_proof
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.loss import judge_loss, reason_replay_paused
from drtool.safety.managers import reason_managed_elsewhere
from drtool.units import Duration

_PATIENCE_SECONDS = 3.0


class CheckDataLoss(Check[DataLoss]):
    """Judge the data loss that promoting the standby now would mean, against ``max``.

    ``max`` is the RPO unless it is given; in planned procedures nothing may be lost. The guard
    inside ``postgresql.promote`` judges again.
    """

    purpose: ClassVar[Purpose] = Purpose.ASSESS
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    other_kinds: ClassVar[tuple[str, ...]] = ("patroni",)
    default_deadline: ClassVar[Duration] = Duration(10)
    every: ClassVar[Duration] = Duration(0.2)

    max: Duration | None = Field(
        default=None, description="The loss to accept at most; default: the RPO."
    )

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The standby, and the primary if it still answers."""
        return readers_of(facts, place_of(facts), counterpart(facts))

    def observe(self, look: Look) -> DataLoss:
        """The primary's position first, where it answers, and then what the standby has of it."""
        facts, other = look.facts, counterpart(look.facts)
        reader = look.reach(PostgresqlReader, str(place_of(facts)))
        patience = {} if facts.procedure.unplanned else {"patience": _PATIENCE_SECONDS}
        heard = ask(look, other, **patience)
        current = heard.primary.current if heard.primary else None
        seen = await_position(reader, current) if current is not None else reader.replication()
        proof = trusted_proof(
            facts.proofs, other, facts.inventory, seen.system_identifier, look.now()
        )
        loss = judge_loss(gather(look, seen, heard, proof))
        stranger = _reason_stranger(facts, seen, heard) or _reason_managed(facts, reader)
        return loss.model_copy(update={"stranger": stranger}) if stranger else loss

    def judge(self, seen: DataLoss, facts: Facts) -> str | None:
        """Another cluster, or a loss too great, unknown, hidden by a pause, or about to grow."""
        return (
            seen.stranger
            or reason_replay_paused(seen)
            or reason_too_lossy(facts, seen, allowed_loss(facts, self.max))
            or self._reason_cut_off(seen, facts)
        )

    def by_hand(self, facts: Facts) -> list[str]:
        """Where the figures are read, and what they say."""
        place, other = place_of(facts), counterpart(facts)
        limit = allowed_loss(facts, self.max)
        if not facts.procedure.unplanned:
            return [
                *queries(facts, other, "SELECT pg_current_wal_lsn()"),
                *queries(facts, place, RECEIVED, RECEIVER),
                "It must stream and have received the primary's position: ask until it has.",
            ]
        return [
            *queries(facts, place, RECEIVED, HEARTBEAT),
            "What is lost is the outage's start minus the last of these times.",
            f"Go on only if that is at most {limit}, and replay is not paused (f)."
            if limit is not None
            else "Go on only if that can be borne, and replay is not paused (f).",
        ]

    def _reason_cut_off(self, seen: DataLoss, facts: Facts) -> str | None:
        """Having everything at this moment is not enough when nothing more can come."""
        if facts.procedure.unplanned or not seen.primary_answers or seen.streaming:
            return None
        return (
            f"{seen.place} has no walreceiver that streams, so it will not have what the primary "
            "writes next; look into its log, primary_conninfo and slot"
        )


def _reason_stranger(facts: Facts, seen: Replication, heard: Heard) -> str:
    """A sentence when the standby is not of the cluster that the inventory or the primary names."""
    sides = (place_of(facts), counterpart(facts))
    known = [identity_at(facts, side) for side in sides]
    known += [heard.primary.system_identifier] if heard.primary else []
    found = [
        reason_not_same_cluster(seen.place, seen.system_identifier, one) for one in known if one
    ]
    return next((reason for reason in found if reason), "")


def _reason_managed(facts: Facts, reader: PostgresqlReader) -> str:
    """A sentence when its promotion would be refused, so that nothing is fenced before it."""
    place = place_of(facts)
    if isinstance(facts.inventory.system(str(place)), Patroni):
        return ""
    return reason_managed_elsewhere(str(place), reader.managers()) or ""
