"""What is seen of a demotion, and the reasons that speak against it; connects to nothing."""

from __future__ import annotations

from datetime import datetime

from drtool.model.patroni import Cluster, Following, Word
from drtool.model.replication import Replication
from drtool.model.value import Value
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.patroni import reason_no_slot, reason_not_steerable


class ClusterDemotion(Value):
    """How far a primary cluster is on its way to following the other, and what that one has.

    ``wanted`` is whom it shall follow. ``end`` is where the WAL of its members ends, ``received``
    what the leader of the ``other`` cluster, ``standby``, has; numbers of bytes. ``able_to_write``
    says why it counts as still able to, and is empty once every member is seen to be a standby
    that nobody promotes.
    """

    place: str
    standby_place: str
    at: datetime
    cluster: Cluster
    words: tuple[Word, ...]
    other: Cluster | None = None
    standby: Replication | None = None
    trouble: str = ""
    wanted: Following
    identity: str
    able_to_write: str = ""
    end: int | None = None
    received: int | None = None

    @property
    def everything_received(self) -> bool:
        """Whether the other cluster has all of its WAL, or is the primary already."""
        if self.standby is not None and not self.standby.in_recovery:
            return True
        if self.end is None or self.received is None:
            return False
        return self.received >= self.end


def reason_not_to_demote(seen: ClusterDemotion) -> str | None:
    """A sentence when something speaks against demoting this cluster now."""
    strange = (
        reason_not_same_cluster(word.place, word.replication.system_identifier, seen.identity)
        for word in seen.words
        if word.replication is not None
    )
    return (
        reason_not_steerable(seen.cluster)
        or _reason_silent(seen)
        or next(filter(None, strange), None)
        or _reason_standby_not_ready(seen)
    )


def _reason_silent(seen: ClusterDemotion) -> str | None:
    """A sentence when a member's server does not say what it is."""
    silent = [f"{word.place}: {word.trouble}" for word in seen.words if word.replication is None]
    if not silent:
        return None
    return (
        f"not every member of {seen.place} answers ({'; '.join(silent)}), so none could be shown "
        "unable to write; bring it back, or take it out of Patroni and of the inventory"
    )


def _reason_standby_not_ready(seen: ClusterDemotion) -> str | None:
    """A sentence unless the other cluster is a standby of this one, obeys, and streams."""
    other, standby = seen.other, seen.standby
    if other is None or standby is None:
        return f"its standby cluster cannot be asked: {seen.trouble}"
    stranger = reason_not_same_cluster(seen.standby_place, standby.system_identifier, seen.identity)
    if stranger is not None:
        return stranger
    if not standby.in_recovery:
        return f"{seen.standby_place} is a primary already: demoting {seen.place} helps nobody"
    if not standby.streaming:
        return f"{standby.place} does not stream: it would miss the last records"
    return (
        reason_not_steerable(other)
        or _reason_other_line(seen, standby)
        or reason_no_slot(seen.wanted, other)
    )


def _reason_other_line(seen: ClusterDemotion, standby: Replication) -> str | None:
    """A sentence when the standby is not on the timeline of the primary."""
    for word in seen.words:
        server = word.replication
        if server and not server.in_recovery and server.timeline != standby.timeline:
            return f"{standby} follows another timeline than {server}"
    return None
