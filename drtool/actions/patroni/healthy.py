"""patroni.healthy: whether a cluster has all that it needs to lose a member."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from drtool.action import Check, Facts, Look, Target
from drtool.actions.patroni.sides import cluster_of, look_at
from drtool.actions.postgresql.sides import place_of
from drtool.connections.patroni import PatroniReader
from drtool.connections.reach import Reader
from drtool.connections.typed import patroni, typed
from drtool.model.patroni import Cluster
from drtool.model.purpose import Purpose
from drtool.safety.patroni import reason_not_steerable, reason_unhealthy
from drtool.units import Duration

MOST_LAG_BYTES = 16 << 20


class CheckHealthy(Check[Cluster]):
    """Judge whether Patroni has its DCS and a leader, and its members run, stream and keep up.

    A paused cluster is not healthy.
    """

    purpose: ClassVar[Purpose] = Purpose.ASSESS
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "patroni"
    default_deadline: ClassVar[Duration] = Duration(30)
    every: ClassVar[Duration] = Duration(0.5)

    max_lag_bytes: int = Field(
        default=MOST_LAG_BYTES, ge=0, description="How far a member may be behind, in bytes."
    )
    members: int | None = Field(
        default=None, ge=1, description="How many members must be in order; default: all."
    )

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The cluster."""
        return [(PatroniReader, str(place_of(facts)))]

    def observe(self, look: Look) -> Cluster:
        """What Patroni says."""
        return look_at(look)

    def judge(self, seen: Cluster, facts: Facts) -> str | None:
        """Nobody to tell, or fewer members in order than are wanted."""
        del facts
        unwell = [
            reason for node in seen.nodes if (reason := reason_unhealthy(node, self.max_lag_bytes))
        ]
        wanted, well = self.members or len(seen.nodes), len(seen.nodes) - len(unwell)
        few = f"patroni {seen.place}: {well} of {wanted} members in order: {'; '.join(unwell)}"
        return reason_not_steerable(seen) or (few if well < wanted else None)

    def by_hand(self, facts: Facts) -> list[str]:
        """Where it is read."""
        cluster = cluster_of(facts, place_of(facts))
        return [
            typed(patroni(cluster, "/cluster")),
            "A leader must be running, every other member streaming with a lag near 0.",
        ]
