"""patroni.pause and patroni.resume: Patroni's maintenance mode, in which it changes no role."""

from __future__ import annotations

from typing import ClassVar

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.patroni.sides import both_of, cluster_of, hands_on, look_at, patronictl
from drtool.actions.postgresql.sides import place_of
from drtool.connections.reach import Reader
from drtool.connections.typed import patroni, typed
from drtool.model.change import Change
from drtool.model.patroni import Cluster
from drtool.model.purpose import Purpose
from drtool.safety.patroni import reason_unknown
from drtool.units import Duration


class _Mode(StateAction[Cluster]):
    """Patroni's maintenance mode, on or off."""

    purpose: ClassVar[Purpose] = Purpose.PROVISION
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "patroni"
    default_deadline: ClassVar[Duration] = Duration(60)
    every: ClassVar[Duration] = Duration(0.2)
    one_way: ClassVar[bool] = False
    paused: ClassVar[bool]

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The cluster."""
        return both_of(facts)

    def observe(self, look: Look) -> Cluster:
        """What Patroni says."""
        return look_at(look)

    def changes(self, seen: Cluster) -> list[Change]:
        """One, until the configuration says so and every member that answers knows it."""
        if not self._unaware(seen):
            return []
        before, after = ("not paused", "paused") if self.paused else ("paused", "not paused")
        return [Change(subject=f"patroni {seen.place}", before=before, after=after)]

    def reason_to_wait(self, seen: Cluster) -> str | None:
        """The members read the configuration once in each of their rounds."""
        if seen.settings is None or seen.settings.paused is not self.paused:
            return None
        return f"{', '.join(self._unaware(seen))} of {seen.place} did not notice yet"

    def reason_not_to_apply(self, seen: Cluster, facts: Facts) -> str | None:
        """Its DCS cannot be read, and so not be written."""
        del facts
        return reason_unknown(seen)

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Change the configuration."""
        del changes
        self._set(hands, paused=self.paused)

    def undo(self, hands: Hands, before: Cluster) -> None:
        """As it was before."""
        self._set(hands, paused=before.paused)

    def by_hand(self, facts: Facts) -> list[str]:
        """One command, or one request."""
        cluster = cluster_of(facts, place_of(facts))
        verb, body = ("pause", "true") if self.paused else ("resume", "null")
        return [
            patronictl(cluster, verb, "--wait"),
            "Or, without patronictl:",
            typed(patroni(cluster, "/config", "PATCH", f'{{"pause": {body}}}')),
        ]

    def _set(self, hands: Hands, *, paused: bool) -> None:
        hands_on(hands).configure({"pause": True if paused else None})

    def _unaware(self, seen: Cluster) -> list[str]:
        """The members that do not say so, and the configuration if it does not."""
        said = seen.settings is not None and seen.settings.paused is self.paused
        found = [node.name for node in seen.nodes if node.answers and node.paused != self.paused]
        return [*found, *(() if said else ("the configuration",))]


class Pause(_Mode):
    """Pause a Patroni cluster: it keeps its roles as they are and promotes nobody by itself."""

    paused: ClassVar[bool] = True


class Resume(_Mode):
    """End a Patroni cluster's pause: it minds its roles by itself again."""

    paused: ClassVar[bool] = False
