"""postgresql.replay_backlog: what was received and would delay a promotion."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from drtool.action import Check, Facts, Look, Target
from drtool.actions.postgresql.by_hand import queries
from drtool.actions.postgresql.sides import place_of, readers_of
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Reader
from drtool.model.purpose import Purpose
from drtool.model.replication import Replication
from drtool.model.value import Value
from drtool.units import Duration, seconds_text


class Backlog(Value):
    """What a standby has received and not replayed; it delays a promotion and loses nothing.

    ``seconds`` is the age of the last replayed commit while there is a backlog, by the clocks
    of both servers; None when none was replayed since the server's start.
    """

    place: str
    in_recovery: bool
    bytes: int
    seconds: float | None
    paused: bool
    streaming: bool


def backlog_of(seen: Replication) -> Backlog:
    """The backlog that a server's own figures show."""
    behind = seen.received_not_replayed
    seconds: float | None = 0.0
    if behind:
        last = seen.last_commit
        seconds = max(0.0, (seen.now - last).total_seconds()) if last else None
    return Backlog(
        place=seen.place,
        in_recovery=seen.in_recovery,
        bytes=behind,
        seconds=seconds,
        paused=seen.replay_paused,
        streaming=seen.streaming,
    )


class CheckReplayBacklog(Check[Backlog]):
    """Judge what a standby still has to replay before it could serve, by bytes or by age."""

    purpose: ClassVar[Purpose] = Purpose.ASSESS
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    other_kinds: ClassVar[tuple[str, ...]] = ("patroni",)
    default_deadline: ClassVar[Duration] = Duration(60)
    every: ClassVar[Duration] = Duration(0.2)

    max_bytes: int = Field(
        default=16 * 1024 * 1024, ge=0, description="How much may be left to replay, in bytes."
    )
    max_age: Duration | None = Field(
        default=None, description="How old the last replayed commit may be; default: any age."
    )

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The standby."""
        return readers_of(facts, place_of(facts))

    def observe(self, look: Look) -> Backlog:
        """The standby's own figures."""
        reader = look.reach(PostgresqlReader, str(place_of(look.facts)))
        return backlog_of(reader.replication())

    def judge(self, seen: Backlog, facts: Facts) -> str | None:
        """Paused, or too much."""
        del facts
        if not seen.in_recovery:
            return None
        if seen.paused:
            return f"replay is paused at {seen.place}; SELECT pg_wal_replay_resume() there"
        if seen.bytes > self.max_bytes:
            return f"{seen.place} has {seen.bytes} bytes to replay, more than {self.max_bytes}"
        if self.max_age is None or (seen.seconds or 0.0) <= self.max_age.seconds:
            return None
        return (
            f"{seen.place} has replayed up to {seconds_text(seen.seconds or 0.0)} ago, "
            f"more than {self.max_age}"
        )

    def by_hand(self, facts: Facts) -> list[str]:
        """Where the figures are read."""
        behind = "SELECT pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn()"
        age = f", and the last commit at most {self.max_age} old" if self.max_age else ""
        last = "SELECT pg_is_wal_replay_paused(), now() - pg_last_xact_replay_timestamp()"
        return [
            *queries(facts, place_of(facts), behind, last),
            f"At most {self.max_bytes} bytes, not paused (f){age}.",
        ]
