"""patroni.promote: the standby cluster of a fenced primary becomes the primary cluster."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.patroni.sides import both_of, cluster_of, hands_on, look_at, member_of
from drtool.actions.postgresql.by_hand import HEARTBEAT, RECEIVED, queries
from drtool.actions.postgresql.evidence import counterpart
from drtool.actions.postgresql.promote import Promote as PromoteServer
from drtool.actions.postgresql.promotion import Promotion
from drtool.actions.postgresql.sides import place_of
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Reader
from drtool.connections.typed import patroni, typed
from drtool.errors import Unreachable
from drtool.model.change import Change
from drtool.model.patroni import Cluster
from drtool.model.purpose import Purpose
from drtool.model.replication import Replication
from drtool.safety.patroni import reason_leaderless, reason_not_steerable, reason_unknown
from drtool.units import Duration


class ClusterPromotion(Promotion):
    """The candidate's leader as a PostgreSQL server, and what Patroni says of its cluster."""

    cluster: Cluster


class Promote(StateAction[ClusterPromotion]):
    """Promote the standby cluster at a site: Patroni's section standby_cluster is removed.

    Its leader is judged as ``postgresql.promote`` judges a server: every member of the old
    primary cluster must be fenced, and ``max_data_loss``, the RPO unless it is given, holds.
    """

    purpose: ClassVar[Purpose] = Purpose.PROMOTE
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "patroni"
    default_deadline: ClassVar[Duration] = Duration(60)
    every: ClassVar[Duration] = Duration(0.1)

    max_data_loss: Duration | None = Field(
        default=None, description="The loss to accept at most; default: the RPO."
    )

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The candidate's cluster and leader, and the old primary if it still answers."""
        return [
            *both_of(facts),
            (PostgresqlReader, str(place_of(facts))),
            (PostgresqlReader, str(counterpart(facts))),
        ]

    def observe(self, look: Look) -> ClusterPromotion:
        """The cluster, and its leader as a server; Patroni's own sessions there are no trouble."""
        cluster, place = look_at(look), place_of(look.facts)
        leader = cluster.leader
        if leader is None:
            why = reason_unknown(cluster) or reason_leaderless(cluster) or ""
            raise Unreachable("promotion", why, "a leader to promote")
        seen = self._as_server.observe(look.aside(member_of(place, leader)))
        return ClusterPromotion(**{**dict(seen), "managers": ()}, cluster=cluster)

    def changes(self, seen: ClusterPromotion) -> list[Change]:
        """What Patroni follows, and the role of its leader."""
        found = []
        if seen.cluster.role != "primary":
            before = f"follows {seen.cluster.following}" if seen.cluster.following else "unknown"
            subject = f"patroni {seen.cluster.place} standby_cluster"
            found.append(Change(subject=subject, before=before, after="removed"))
        server = seen.model_copy(update={"commits_hang": False, "replication": _unwaited(seen)})
        return [*found, *self._as_server.changes(server)]

    def reason_to_wait(self, seen: ClusterPromotion) -> str | None:
        """The section is gone and Patroni is about to promote; or a long replay goes on."""
        cluster = seen.cluster
        if cluster.role == "primary" and seen.replication.in_recovery and not cluster.paused:
            return f"{cluster.place} is a primary cluster, and its leader is still in recovery"
        return self._as_server.reason_to_wait(seen)

    def reason_not_to_apply(self, seen: ClusterPromotion, facts: Facts) -> str | None:
        """Everything that speaks against a second primary, and against believing in Patroni."""
        unsure = reason_unknown(seen.cluster)
        if seen.replication.in_recovery:
            unsure = reason_not_steerable(seen.cluster)
        return self._as_server.reason_not_to_apply(seen, facts) or unsure

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Remove the section; Patroni promotes the leader in its next round."""
        del changes
        hands_on(hands).configure({"standby_cluster": None})

    def by_hand(self, facts: Facts) -> list[str]:
        """What to make sure of, the command, and what to look at afterwards."""
        place, left = place_of(facts), counterpart(facts)
        cluster = cluster_of(facts, place)
        return [
            f"Make sure that no member of {left} can write: each stopped, or its power off.",
            *queries(facts, place, RECEIVED, HEARTBEAT),
            "Replay must not be paused (f); what is newer than the last time is lost.",
            typed(patroni(cluster, "/config", "PATCH", '{"standby_cluster": null}')),
            typed(patroni(cluster, "/cluster")),
            "It must have a leader, running, no standby_leader any more.",
        ]

    @property
    def _as_server(self) -> PromoteServer:
        return PromoteServer(max_data_loss=self.max_data_loss)


def _unwaited(seen: ClusterPromotion) -> Replication:
    """The leader without the standbys that it would wait for: they are Patroni's to name."""
    return seen.replication.model_copy(update={"synchronous_standby_names": ""})
