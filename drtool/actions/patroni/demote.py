"""patroni.demote: a healthy primary cluster becomes the standby cluster of the other site."""

from __future__ import annotations

import contextlib
import json
from typing import ClassVar

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.patroni.demotion import ClusterDemotion, reason_not_to_demote
from drtool.actions.patroni.sides import (
    both_of,
    cluster_of,
    following_of,
    hands_on,
    look_at,
    member_of,
    proof_of,
    standby_section,
    words_of,
)
from drtool.actions.postgresql.by_hand import RECEIVED, queries
from drtool.actions.postgresql.sides import identity_at, other_side, place_of
from drtool.connections.patroni import PatroniReader
from drtool.connections.postgresql import PostgresqlReader, PostgresqlSession
from drtool.connections.reach import Reader
from drtool.connections.typed import patroni, typed
from drtool.errors import DrtoolError
from drtool.model.change import Change
from drtool.model.proof import Proof
from drtool.model.purpose import Purpose
from drtool.model.replication import position_text
from drtool.safety.patroni import (
    end_of,
    reason_able_to_write,
    reason_not_demoted,
)
from drtool.units import Duration


class Demote(StateAction[ClusterDemotion]):
    """Make the primary cluster follow the other site's, which has received all of its WAL.

    Patroni stops its leader in order, so that the standby cluster there gets the last record, and
    starts it again as a standby leader. Every member must answer: that none can write, and where
    its WAL ended, is shown by its own server.
    """

    purpose: ClassVar[Purpose] = Purpose.FENCE
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "patroni"
    default_deadline: ClassVar[Duration] = Duration(120)
    every: ClassVar[Duration] = Duration(0.1)

    max_age: Duration = Field(default=Duration(300), description="For how long the proof is good.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """Both clusters, and the servers that lead them."""
        other = str(other_side(facts))
        return [
            *both_of(facts),
            (PatroniReader, other),
            (PostgresqlReader, str(place_of(facts))),
            (PostgresqlReader, other),
        ]

    def observe(self, look: Look) -> ClusterDemotion:
        """Both clusters by Patroni's word, every member of this one by its own server's."""
        facts, place, source = look.facts, place_of(look.facts), other_side(look.facts)
        cluster, words = look_at(look), words_of(look, place)
        other, standby, trouble = None, None, ""
        try:
            other = look_at(look, source)
            leader = member_of(source, other.leader) if other.leader else source
            standby = look.reach(PostgresqlReader, str(leader)).replication()
        except DrtoolError as error:
            trouble = error.line()
        identity = identity_at(facts, place) or (standby.system_identifier if standby else "")
        able = (reason_able_to_write(word, identity) for word in words)
        return ClusterDemotion(
            place=str(place),
            standby_place=str(source),
            at=look.now(),
            cluster=cluster,
            words=words,
            other=other,
            standby=standby,
            trouble=trouble,
            wanted=following_of(facts, source, other.leader if other else None),
            identity=identity,
            able_to_write=reason_not_demoted(cluster) or "; ".join(filter(None, able)),
            end=end_of(words),
            received=standby.received if standby else None,
        )

    def changes(self, seen: ClusterDemotion) -> list[Change]:
        """One, until no member can write and the other cluster has everything."""
        if not seen.able_to_write and seen.everything_received:
            return []
        follows = seen.cluster.following
        before = f"follows {follows}" if follows else f"{seen.cluster.role} cluster"
        after = f"follows {seen.wanted}, its last record received by {seen.standby_place}"
        return [Change(subject=f"patroni {seen.place}", before=before, after=after)]

    def reason_to_wait(self, seen: ClusterDemotion) -> str | None:
        """Patroni is at it, or the last record is on its way."""
        cluster = seen.cluster
        if cluster.following is None or cluster.paused:
            return None
        if seen.able_to_write:
            return f"{cluster.place} is told to follow {cluster.following}: {seen.able_to_write}"
        if seen.trouble:
            return f"{seen.place} is a standby cluster; {seen.trouble}"
        return (
            f"{seen.place} ended at {position_text(seen.end)}, but {seen.standby_place} has "
            f"received {position_text(seen.received)} only; promote nothing: take standby_cluster "
            f"out of the configuration of {seen.place} again"
        )

    def reason_not_to_apply(self, seen: ClusterDemotion, facts: Facts) -> str | None:
        """What speaks against demoting this cluster now."""
        del facts
        return reason_not_to_demote(seen)

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """A checkpoint first, so that the stop is short; then Patroni is told whom to follow."""
        del changes
        facts = hands.facts
        with contextlib.suppress(DrtoolError):  # without it the stop only takes longer
            hands.reach(PostgresqlSession, str(place_of(facts))).checkpoint()
        hands.drop(PostgresqlSession, str(place_of(facts)))  # it would end with the server
        source = other_side(facts)
        section = standby_section(following_of(facts, source, look_at(hands, source).leader))
        hands_on(hands).configure({"standby_cluster": section})

    def proofs(self, seen: ClusterDemotion, facts: Facts) -> list[Proof]:
        """That each member is a standby which nobody promotes, and where the WAL ended."""
        del facts
        if seen.able_to_write:
            return []
        return [
            proof_of(word, seen.cluster, seen.identity, self.max_age, seen.end)
            for word in seen.words
        ]

    def by_hand(self, facts: Facts) -> list[str]:
        """Demote it in a way that cannot lose anything, and look what it left."""
        place, source = place_of(facts), other_side(facts)
        cluster = cluster_of(facts, place)
        section = json.dumps({"standby_cluster": standby_section(following_of(facts, source))})
        return [
            *queries(facts, place, "CHECKPOINT"),
            typed(patroni(cluster, "/config", "PATCH", section)),
            typed(patroni(cluster, "/cluster")),
            "It must have a standby_leader and no leader any more; ask until it is so.",
            *queries(facts, place, "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()"),
            f"Every member must say t. {source} must have received as much:",
            *queries(facts, source, RECEIVED),
        ]
