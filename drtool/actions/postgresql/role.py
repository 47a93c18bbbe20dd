"""postgresql.role: whether a server is what it should be now."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from drtool.action import Check, Facts, Look, Target
from drtool.actions.postgresql.by_hand import RECEIVER, queries
from drtool.actions.postgresql.sides import identity_at, place_of, readers_of
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Reader
from drtool.model.purpose import Purpose
from drtool.model.replication import Replication
from drtool.safety.identity import reason_not_same_cluster
from drtool.units import Duration


class CheckRole(Check[Replication]):
    """Judge whether the server is a primary that takes writes, or a standby that streams."""

    purpose: ClassVar[Purpose] = Purpose.ASSESS
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    other_kinds: ClassVar[tuple[str, ...]] = ("patroni",)
    default_deadline: ClassVar[Duration] = Duration(30)
    every: ClassVar[Duration] = Duration(0.2)

    role: Literal["primary", "standby"] = Field(description="What the server must be.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The server."""
        return readers_of(facts, place_of(facts))

    def observe(self, look: Look) -> Replication:
        """What the server says of itself."""
        return look.reach(PostgresqlReader, str(place_of(look.facts))).replication()

    def judge(self, seen: Replication, facts: Facts) -> str | None:
        """Another role, another cluster, no writes, or no stream."""
        expected = identity_at(facts, place_of(facts))
        if expected is not None:
            other = reason_not_same_cluster(seen.place, seen.system_identifier, expected)
            if other is not None:
                return other
        if seen.role != self.role:
            return f"{seen}; expected a {self.role}"
        if self.role == "primary" and seen.read_only:
            return f"{seen}, but it takes no writes: default_transaction_read_only is on"
        if self.role == "standby" and not seen.streaming:
            return f"{seen}, but no walreceiver streams there"
        return None

    def by_hand(self, facts: Facts) -> list[str]:
        """Where the role is read."""
        primary = self.role == "primary"
        return [
            *queries(facts, place_of(facts), "SELECT pg_is_in_recovery()", RECEIVER),
            "It must say f." if primary else "It must say t, and a receiver must be streaming.",
        ]
