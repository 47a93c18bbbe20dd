"""postgresql.promote: a fenced primary's standby becomes the primary."""

from __future__ import annotations

import time
from typing import ClassVar

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.postgresql.by_hand import HEARTBEAT, RECEIVED, queries
from drtool.actions.postgresql.evidence import (
    Heard,
    allowed_loss,
    ask,
    counterpart,
    gather,
    reason_too_lossy,
)
from drtool.actions.postgresql.promotion import (
    Promotion,
    other_word,
    reason_alive,
    reason_read_only,
    reason_split_brain,
    reason_wrong_standby,
)
from drtool.actions.postgresql.sides import place_of, session_for, system_at
from drtool.connections.postgresql import PostgresqlReader, PostgresqlSession
from drtool.connections.reach import Reader
from drtool.errors import StepFailed
from drtool.model.change import Change
from drtool.model.proof import Proof
from drtool.model.purpose import Purpose
from drtool.model.replication import DataLoss, Replication
from drtool.safety.fence import is_proven, reason_not_proven, trusted_proof
from drtool.safety.loss import judge_loss, reason_not_to_lose, reason_replay_paused
from drtool.safety.managers import reason_managed_elsewhere
from drtool.units import Duration

_SYNCHRONOUS = "synchronous_standby_names"
# what a standby replays within moments; the rest of a crashed primary's last record is less
_SMALL_BACKLOG = 1 << 20
_REPLAY_SECONDS = 0.05


class Promote(StateAction[Promotion]):
    """Promote the standby server at a site to primary.

    ``max_data_loss`` is the RPO unless it is given; in planned procedures nothing may be lost.
    """

    purpose: ClassVar[Purpose] = Purpose.PROMOTE
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    default_deadline: ClassVar[Duration] = Duration(60)
    every: ClassVar[Duration] = Duration(0.1)

    max_data_loss: Duration | None = Field(
        default=None, description="The loss to accept at most; default: the RPO."
    )

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The candidate for reading and for promoting, and the old primary if it still answers."""
        place = str(place_of(facts))
        return [
            (PostgresqlReader, place),
            (PostgresqlSession, place),
            (PostgresqlReader, str(counterpart(facts))),
        ]

    def observe(self, look: Look) -> Promotion:
        """The candidate's role; the old primary's too, where nothing proves that it is fenced."""
        place, left = place_of(look.facts), counterpart(look.facts)
        reader = look.reach(PostgresqlReader, str(place))
        seen, facts = reader.replication(), look.facts
        proof = trusted_proof(
            facts.proofs, left, facts.inventory, seen.system_identifier, look.now()
        )
        believed = proof is not None and is_proven(proof)
        heard = Heard() if believed else ask(look, left)
        limit, loss = allowed_loss(facts, self.max_data_loss), None
        if seen.in_recovery:
            seen, loss = self._judge_loss(look, reader, seen, (heard, proof))
        hangs = not seen.in_recovery and bool(seen.synchronous_standby_names)
        return Promotion(
            place=str(place),
            from_place=str(left),
            role=seen.role,
            timeline=seen.timeline,
            system_identifier=seen.system_identifier,
            position=seen.position,
            replication=seen,
            before=heard.replication,
            before_trouble=heard.trouble,
            commits_hang=hangs and not any(s.sync_state != "async" for s in reader.senders()),
            loss=loss or judge_loss(gather(look, seen, heard, proof)),
            limit=limit,
            managers=reader.managers() if seen.in_recovery else (),
            fenced=proof is not None,
            at=look.now(),
        )

    def changes(self, seen: Promotion) -> list[Change]:
        """The role, and a wait for standbys that would hang every commit."""
        subject = f"postgresql {seen.place}"
        server = seen.replication
        found = []
        if (names := server.synchronous_standby_names) and (
            server.in_recovery or seen.commits_hang
        ):
            after = f"'' until a standby follows, then: ALTER SYSTEM SET {_SYNCHRONOUS} = '{names}'"
            found.append(
                Change(subject=f"{subject} {_SYNCHRONOUS}", before=f"'{names}'", after=after)
            )
        if server.in_recovery:
            before = f"standby on timeline {seen.timeline}"
            found.append(
                Change(subject=subject, before=before, after="primary on a timeline of its own")
            )
        elif reason_split_brain(seen) is not None:
            before = f"primary on timeline {seen.timeline}, {other_word(seen)}"
            found.append(Change(subject=subject, before=before, after="the only primary"))
        elif server.read_only:
            found.append(
                Change(subject=subject, before="primary, read only", after="primary, writable")
            )
        return found

    def reason_to_wait(self, seen: Promotion) -> str | None:
        """While the candidate replays what would otherwise count as lost."""
        backlog = seen.loss.received_not_replayed_bytes
        if not seen.replication.in_recovery or seen.loss.replay_paused or backlog < _SMALL_BACKLOG:
            return None
        if reason_not_to_lose(seen.loss, seen.limit) is None:
            return None
        return f"{seen.place} has {backlog} received bytes to replay before the loss can be judged"

    def reason_not_to_apply(self, seen: Promotion, facts: Facts) -> str | None:
        """Everything that speaks against a second primary, the gravest first."""
        if not seen.replication.in_recovery:
            return reason_split_brain(seen) or reason_read_only(seen)
        left = counterpart(facts)
        return (
            reason_managed_elsewhere(seen.place, seen.managers)
            or reason_wrong_standby(seen, facts, left)
            or reason_not_proven(
                facts.proofs, left, facts.inventory, seen.system_identifier, seen.at
            )
            or reason_alive(seen)
            or reason_replay_paused(seen.loss)
            or reason_too_lossy(facts, seen.loss, seen.limit)
        )

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Promote through the session that holds the lease, where the arbiter gives one."""
        place = str(place_of(hands.facts))
        session = hands.arbiter
        if not isinstance(session, PostgresqlSession) or session.target != place:
            session = session_for(hands, place)
        if any(change.subject.endswith(_SYNCHRONOUS) for change in changes):
            session.empty_standby_names()
        if not any(change.before.startswith("standby") for change in changes):
            return
        if not session.promote():
            raise StepFailed(
                f"postgresql {place}",
                "pg_promote was called, but the server is still in recovery",
                "a primary",
                f"look into its log; on its host: pg_ctl -D {self._data(hands.facts)} promote",
            )

    def by_hand(self, facts: Facts) -> list[str]:
        """What to make sure of, the commands, and what to look at afterwards."""
        place = place_of(facts)
        return [
            f"Make sure that {counterpart(facts)} cannot write, and that nobody else promotes.",
            *queries(facts, place, RECEIVED, HEARTBEAT),
            "Replay must not be paused (f); what is newer than the last time is lost.",
            *queries(facts, place, f"SHOW {_SYNCHRONOUS}"),
            "If it names any, write them down, and have commits no longer wait for them:",
            *queries(
                facts, place, f"ALTER SYSTEM SET {_SYNCHRONOUS} = ''", "SELECT pg_reload_conf()"
            ),
            *queries(facts, place, "SELECT pg_promote()", "SELECT pg_is_in_recovery()"),
            "It must say t, then f: from here on there is only forward.",
        ]

    def _judge_loss(
        self,
        look: Look,
        reader: PostgresqlReader,
        seen: Replication,
        word: tuple[Heard, Proof | None],
    ) -> tuple[Replication, DataLoss]:
        """What would be lost; a short backlog is replayed first."""
        limit = allowed_loss(look.facts, self.max_data_loss)
        end = time.monotonic() + _REPLAY_SECONDS
        while True:
            loss = judge_loss(gather(look, seen, *word))
            if reason_not_to_lose(loss, limit) is None:
                return seen, loss
            if not seen.received_not_replayed or seen.replay_paused or time.monotonic() > end:
                return seen, loss
            time.sleep(0.005)
            seen = reader.replication()

    def _data(self, facts: Facts) -> str:
        return system_at(facts, place_of(facts)).data_directory
