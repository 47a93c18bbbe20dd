"""What is seen of a cluster that shall follow the new primary; connects to nothing."""

from __future__ import annotations

from datetime import datetime

from drtool.model.patroni import Cluster, Following
from drtool.model.replication import Replication
from drtool.model.value import Value
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.patroni import reason_no_slot


class ClusterReprotected(Value):
    """How far a cluster that was left is on its way to following the primary.

    ``server`` is its leader as a PostgreSQL server, ``source_server`` the primary. ``wanted`` is
    whom its configuration must name. ``kept_off`` are its members' hosts that would stay off when
    mains power returns, as a fence wanted; they are looked at once it follows, and
    ``power_trouble`` is why that is not known of one.
    """

    place: str
    source_place: str
    at: datetime
    cluster: Cluster
    source: Cluster
    server: Replication | None = None
    source_server: Replication
    wanted: Following
    kept_off: tuple[str, ...] = ()
    power_trouble: str = ""

    @property
    def told(self) -> bool:
        """Whether its configuration names the right one to follow."""
        found = self.cluster.following
        return found is not None and (found.host, found.port) == (
            self.wanted.host, self.wanted.port,
        )  # fmt: skip

    @property
    def following(self) -> bool:
        """Whether its leader streams on the primary's timeline, as Patroni has been told."""
        server, source = self.server, self.source_server
        return (
            self.told
            and server is not None
            and server.in_recovery
            and server.streaming
            and server.system_identifier == source.system_identifier
            and server.receiver is not None
            and server.receiver.timeline == source.timeline
        )

    @property
    def answers(self) -> bool:
        """Whether any of its members' Patroni answers."""
        return any(node.answers for node in self.cluster.nodes)


def reason_not_to_follow(seen: ClusterReprotected) -> str | None:
    """A sentence when there is nobody to follow, or the cluster must not be touched."""
    if seen.source_server.in_recovery:
        return f"{seen.source_place} is a standby: there is no primary to follow"
    primaries = [node.name for node in seen.cluster.nodes if node.role == "primary"]
    if primaries:
        return (
            f"split brain suspected: {', '.join(primaries)} of {seen.place} is a primary while "
            f"{seen.source_place} is one; fence it before it is made to follow"
        )
    expected = seen.source_server.system_identifier
    strange = (
        reason_not_same_cluster(node.name, node.system_identifier, expected)
        for node in seen.cluster.nodes
        if node.system_identifier
    )
    return next(filter(None, strange), None) or reason_no_slot(seen.wanted, seen.source)
