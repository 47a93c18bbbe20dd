"""patroni.role: whether a cluster is what it should be now."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from drtool.action import Check, Facts, Look, Target
from drtool.actions.patroni.sides import cluster_of, look_at
from drtool.actions.postgresql.sides import identity_at, place_of
from drtool.connections.patroni import PatroniReader
from drtool.connections.reach import Reader
from drtool.connections.typed import patroni, typed
from drtool.model.patroni import Cluster
from drtool.model.purpose import Purpose
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.patroni import reason_leaderless, reason_unknown
from drtool.units import Duration


class CheckRole(Check[Cluster]):
    """Judge whether the cluster is a primary one with a primary, or a standby that streams."""

    purpose: ClassVar[Purpose] = Purpose.ASSESS
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "patroni"
    default_deadline: ClassVar[Duration] = Duration(60)
    every: ClassVar[Duration] = Duration(0.2)

    role: Literal["primary", "standby"] = Field(description="What the cluster must be.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The cluster."""
        return [(PatroniReader, str(place_of(facts)))]

    def observe(self, look: Look) -> Cluster:
        """What Patroni says."""
        return look_at(look)

    def judge(self, seen: Cluster, facts: Facts) -> str | None:
        """Another role, no leader, another cluster's data, or a standby that does not stream."""
        other = None if seen.role == self.role else f"{seen}; expected a {self.role} cluster"
        return (
            reason_unknown(seen)
            or other
            or reason_leaderless(seen)
            or self._reason_leader(seen, facts)
        )

    def by_hand(self, facts: Facts) -> list[str]:
        """Where the role is read."""
        cluster = cluster_of(facts, place_of(facts))
        leader = "a Leader" if self.role == "primary" else "a Standby Leader, streaming"
        return [typed(patroni(cluster, "/cluster")), f"It must have {leader}."]

    def _reason_leader(self, seen: Cluster, facts: Facts) -> str | None:
        leader, expected = seen.leader, identity_at(facts, place_of(facts))
        if leader is None:
            return None
        if expected is not None:
            other = reason_not_same_cluster(leader.name, leader.system_identifier, expected)
            if other is not None:
                return other
        if leader.role != ("primary" if self.role == "primary" else "standby_leader"):
            return f"{seen.place}: its leader is not a {self.role} yet: {leader}"
        streams = leader.replication == "streaming" or not (seen.following and seen.following.host)
        if self.role == "standby" and not streams:
            return f"{seen.place} follows {seen.following}, but does not stream: {leader}"
        return None
