"""patroni.switchover: another member leads, within one cluster."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.patroni.healthy import MOST_LAG_BYTES
from drtool.actions.patroni.sides import both_of, cluster_of, hands_on, look_at, patronictl
from drtool.actions.postgresql.sides import place_of
from drtool.connections.reach import Reader
from drtool.connections.typed import patroni, typed
from drtool.errors import StepFailed
from drtool.model.change import Change
from drtool.model.patroni import Cluster
from drtool.model.purpose import Purpose
from drtool.model.value import Name
from drtool.safety.patroni import best_candidate, reason_not_steerable, reason_not_to_lead
from drtool.units import Duration


class Led(Cluster):
    """A cluster, the member that leads it, and the one that shall; by the inventory's names."""

    led_by: str = ""
    candidate: str = ""


class Switchover(StateAction[Led]):
    """Have another member of a cluster lead it: ``candidate``, or the fittest one but ``leave``.

    Writes stop for some seconds, nothing is lost. It is about one site's own cluster: from site
    to site a primary moves by ``patroni.demote`` and ``patroni.promote``.
    """

    purpose: ClassVar[Purpose] = Purpose.PROVISION
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "patroni"
    default_deadline: ClassVar[Duration] = Duration(120)
    every: ClassVar[Duration] = Duration(0.2)

    candidate: Name | None = Field(default=None, description="The member that shall lead.")
    leave: Name | None = Field(default=None, description="The member that shall not lead.")
    max_lag_bytes: int = Field(
        default=MOST_LAG_BYTES, ge=0, description="How far the candidate may be behind, in bytes."
    )

    @model_validator(mode="after")
    def _one_aim(self) -> Self:
        if (self.candidate is None) == (self.leave is None):
            msg = "wants candidate, or leave, and not both; candidate: MEMBER"
            raise ValueError(msg)
        return self

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The cluster."""
        return both_of(facts)

    def observe(self, look: Look) -> Led:
        """Who leads, and who shall."""
        seen = look_at(look)
        chosen = self.candidate or best_candidate(seen, self.leave or "", self.max_lag_bytes) or ""
        leader = seen.leader
        return Led(**dict(seen), led_by=leader.name if leader else "", candidate=chosen)

    def changes(self, seen: Led) -> list[Change]:
        """One, until the right member has the leader key and runs as a leader."""
        leader = seen.leader
        right = leader is not None and self._wanted(leader.name)
        if right and leader is not None and leader.leads and leader.running:
            return []
        subject = f"leader of patroni {seen.place}"
        before, after = seen.led_by or "nobody", seen.candidate or f"any but {self.leave}"
        return [Change(subject=subject, before=before, after=after)]

    def reason_to_wait(self, seen: Led) -> str | None:
        """A change of leaders is under way."""
        if seen.settings is None or seen.paused:
            return None
        if seen.leader is None:
            return f"patroni {seen.place} has no leader now: {'; '.join(map(str, seen.nodes))}"
        if self._wanted(seen.led_by):
            return f"{seen.led_by} has the leader key and does not lead yet: {seen.leader}"
        return None

    def reason_not_to_apply(self, seen: Led, facts: Facts) -> str | None:
        """Patroni would not do it, or the candidate is not fit for it."""
        del facts
        unfit = [
            reason_not_to_lead(seen, node.name, self.max_lag_bytes)
            for node in seen.nodes
            if node.name != self.leave
        ]
        if not seen.candidate:
            reason = "; ".join(filter(None, unfit)) or "there is no other member"
            return reason_not_steerable(seen) or f"nobody can take over from {self.leave}: {reason}"
        return reason_not_steerable(seen) or reason_not_to_lead(
            seen, seen.candidate, self.max_lag_bytes
        )

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Tell Patroni; it answers when it is done, or has failed."""
        seen = look_at(hands)
        leader, candidate = seen.leader, seen.node(changes[0].after)
        if leader is None or candidate is None:
            raise StepFailed(f"patroni {seen.place}", f"no leader, or no {changes[0].after}")
        hands_on(hands).switch(leader.called, candidate.called)

    def by_hand(self, facts: Facts) -> list[str]:
        """One command, and where its result is seen."""
        cluster = cluster_of(facts, place_of(facts))
        named = self.candidate or next(name for name in cluster.members if name != self.leave)
        called = cluster.members[named].name or named
        return [
            typed(patroni(cluster, "/cluster")),
            f"{called} must be streaming with a lag near 0; else choose another one.",
            patronictl(cluster, "switchover", "--force", "--candidate", called),
            typed(patroni(cluster, "/cluster")),
            "It must be the leader now, and the others streaming, on a new timeline.",
        ]

    def _wanted(self, name: str) -> bool:
        return name == self.candidate if self.candidate else name not in {self.leave, ""}
