"""What is seen of a cluster that is to be fenced, member by member; connects to nothing."""

from __future__ import annotations

from datetime import datetime

from drtool.action import Facts
from drtool.actions.patroni.sides import PATRONI, proof_of
from drtool.actions.postgresql.fence import Fence as HostFence
from drtool.actions.postgresql.fence_paths import FenceSeen
from drtool.model.change import Change
from drtool.model.patroni import Cluster, Following, Word
from drtool.model.proof import Proof
from drtool.model.value import Value
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.patroni import reason_not_demoted, reason_strangers
from drtool.units import Duration


class MemberSeen(Value):
    """One member: by its own server's word, and by the paths to its host.

    ``able_to_write`` is why its word and Patroni's configuration do not show it fenced.
    """

    place: str
    word: Word
    able_to_write: str = ""
    host: FenceSeen

    @property
    def fenced(self) -> bool:
        """Whether anything shows it fenced, or a human's word stands for it."""
        by_host = self.host.proving is not None or self.host.accepted_statement
        return not self.able_to_write or by_host

    @property
    def alive(self) -> bool:
        """Whether it was seen at work as a primary, or its host was."""
        server = self.word.replication
        return (server is not None and not server.in_recovery) or self.host.able_to_write

    @property
    def refusal(self) -> str:
        """Why its host must not be touched; that Patroni is in charge there is no reason."""
        reasons = (path.refusal for path in self.host.paths if path.manager != PATRONI)
        return next(filter(None, reasons), "")


class ClusterFence(Value):
    """A cluster as far as it is fenced; ``wanted`` is whom it shall follow, if that is known.

    ``end`` is where the WAL of its members ends, if that is known.
    """

    place: str
    at: datetime
    cluster: Cluster
    members: tuple[MemberSeen, ...]
    identity: str = ""
    wanted: Following | None = None
    end: int | None = None

    @property
    def left(self) -> tuple[MemberSeen, ...]:
        """The members that are not fenced yet."""
        return tuple(member for member in self.members if not member.fenced)

    @property
    def tellable(self) -> bool:
        """Whether Patroni can be told to follow somebody, and was not yet."""
        readable = self.wanted is not None and self.cluster.settings is not None
        return readable and (self.cluster.following is None or self.cluster.paused)


def changes_left(seen: ClusterFence) -> list[Change]:
    """What Patroni is told, and each member that nothing shows fenced."""
    found, cluster = [], seen.cluster
    if seen.left and seen.tellable:
        before = "paused" if cluster.paused else f"{cluster.role} cluster"
        after = f"follows {seen.wanted}"
        found.append(Change(subject=f"patroni {seen.place}", before=before, after=after))
    for member in seen.left:
        before = "able to write" if member.alive else "not shown fenced"
        ways = ("demoted by Patroni" if seen.tellable else "", member.host.how)
        after = ", else ".join(filter(None, ways)) or "shown fenced"
        found.append(Change(subject=f"postgresql {member.place}", before=before, after=after))
    return found


def reason_not_to_fence(seen: ClusterFence, *, stated: bool) -> str | None:
    """A sentence for a member that the inventory does not know, or a server of another cluster."""
    strange = (
        reason_not_same_cluster(one.place, one.word.replication.system_identifier, seen.identity)
        for one in seen.members
        if one.word.replication is not None
    )
    unknown = None if stated else reason_strangers(seen.cluster)
    refused = (member.refusal for member in seen.members)
    return unknown or next(filter(None, (*strange, *refused)), None)


def proof_of_member(
    seen: ClusterFence, member: MemberSeen, max_age: Duration, facts: Facts, *, guarded: bool
) -> Proof:
    """That one member is fenced.

    What its host shows lasts only if Patroni does not start there again as it was: its
    configuration says so, or a boot guard keeps it back. Where the WAL ended is then known of a
    single member only: of several nobody knows which one was the primary.
    """
    if not member.able_to_write:
        return proof_of(member.word, seen.cluster, seen.identity, max_age, seen.end)
    (proof,) = HostFence(max_age=max_age).proofs(member.host, facts)
    lasts = proof.durable and (guarded or reason_not_demoted(seen.cluster) is None)
    position = proof.final_position if len(seen.members) == 1 else None
    return proof.model_copy(update={"durable": lasts, "final_position": position})
