"""patroni.fence: make it impossible for every member of the old primary cluster to write."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from pydantic import Field

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.patroni.ending import end_on_host
from drtool.actions.patroni.fencing import (
    ClusterFence,
    MemberSeen,
    changes_left,
    proof_of_member,
    reason_not_to_fence,
)
from drtool.actions.patroni.showing import (
    cluster_or_why,
    identity_or_none,
    parts_at,
    shown_by_patroni,
)
from drtool.actions.patroni.sides import (
    PATRONI,
    both_of,
    cluster_of,
    following_of,
    hands_on,
    standby_section,
    words_of,
)
from drtool.actions.postgresql.fence import Fence as HostFence
from drtool.actions.postgresql.fence_paths import FenceSeen, seen_by, what_listens
from drtool.actions.postgresql.sides import other_side, place_of, system_at
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Reader
from drtool.connections.ssh import SshHands
from drtool.connections.typed import patroni, typed
from drtool.errors import BadInput, DrtoolError, StepFailed
from drtool.model.change import Change
from drtool.model.inventory import FencePath
from drtool.model.patroni import Following
from drtool.model.place import Place
from drtool.model.proof import Proof
from drtool.model.purpose import Purpose
from drtool.model.systems import PatroniFencePath
from drtool.safety.patroni import (
    end_of,
    reason_able_to_write,
    reason_not_demoted,
)
from drtool.units import Duration

_POLL_SECONDS = 0.2


class Fence(StateAction[ClusterFence]):
    """Keep every member of the old primary cluster from writing, and show it of each.

    Patroni is told to follow the other site, where it can be told (``patroni``), and demotes its
    leader; a member is then shown fenced by its own server's word. What is left after ``drain``
    is ended on its host, Patroni first (``ssh``), or loses its power (``power``).
    """

    purpose: ClassVar[Purpose] = Purpose.FENCE
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "patroni"
    default_deadline: ClassVar[Duration] = Duration(120)
    every: ClassVar[Duration] = Duration(0.2)

    paths: tuple[PatroniFencePath, ...] | None = Field(
        default=None, description="How, tried in this order; default: the inventory's fence."
    )
    drain: Duration = Field(
        default=Duration(15), description="How long Patroni may take to demote its leader."
    )
    max_age: Duration = Field(default=Duration(300), description="How long its proof holds.")

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """Patroni, every member's server, and the paths to its host."""
        found = both_of(facts)
        for part in parts_at(facts):
            found.append((PostgresqlReader, str(part)))
            fence = self._host_fence(facts, part)
            if fence is not None:
                found += fence.needs(_turned(facts, part))
            if fence is not None and "ssh" in (fence.paths or ()):
                found.append((SshHands, system_at(facts, part).host))
        return found

    def observe(self, look: Look) -> ClusterFence:
        """Patroni, the members' servers and their hosts, side by side; silence is data."""
        facts, place, parts = look.facts, place_of(look.facts), parts_at(look.facts)
        with ThreadPoolExecutor(4 + len(parts), thread_name_prefix="fence") as pool:
            asked = pool.submit(cluster_or_why, look)
            said = pool.submit(words_of, look, place)
            known, wanted = pool.submit(identity_or_none, look), pool.submit(self._wanted, look)
            looked = [pool.submit(self._look_at_host, look.aside(part)) for part in parts]
        cluster, words, identity = asked.result(), said.result(), known.result()
        unsure = None if self._tells_patroni(facts) else "Patroni is not its path"
        unsure = unsure or reason_not_demoted(cluster)
        members = tuple(
            MemberSeen(
                place=word.place,
                word=word,
                able_to_write=unsure or reason_able_to_write(word, identity) or "",
                host=host.result(),
            )
            for word, host in zip(words, looked, strict=True)
        )
        all_say_so = not any(member.able_to_write for member in members)
        return ClusterFence(
            place=str(place),
            at=look.now(),
            cluster=cluster,
            members=members,
            identity=identity or "",
            wanted=wanted.result(),
            end=end_of(words) if all_say_so else None,
        )

    def changes(self, seen: ClusterFence) -> list[Change]:
        """What Patroni is told, and each member that nothing shows fenced."""
        return changes_left(seen)

    def reason_not_to_apply(self, seen: ClusterFence, facts: Facts) -> str | None:
        """A member that the inventory does not know, or a server of another cluster."""
        return reason_not_to_fence(seen, stated=facts.statement is not None)

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Tell Patroni and wait for it; then end on their hosts the members that are left.

        Raises StepFailed with what each member is short of.
        """
        facts, subjects = hands.facts, {change.subject for change in changes}
        left = [part for part in parts_at(facts) if f"postgresql {part}" in subjects]
        short = []
        if f"patroni {place_of(facts)}" in subjects:
            short.append(self._demote(hands))
            shown = shown_by_patroni(hands)
            left = [part for part in left if str(part) not in shown]
        seconds = (facts.seconds_left or self.default_deadline.seconds) / 2
        with ThreadPoolExecutor(max(1, len(left)), thread_name_prefix="fence") as pool:
            ended = [pool.submit(self._end, hands.aside(part), seconds) for part in left]
        missing = [text for one in ended if (text := one.result())]
        if missing:
            what = "; ".join(filter(None, [*short, *missing]))
            raise StepFailed(f"fence of {place_of(facts)}", what, "a proof for every member")

    def proofs(self, seen: ClusterFence, facts: Facts) -> list[Proof]:
        """One for each member, once there is one for every member."""
        if seen.left:
            return []
        guarded = cluster_of(facts, place_of(facts)).boot_guard
        return [
            proof_of_member(seen, member, self.max_age, facts, guarded=guarded)
            for member in seen.members
        ]

    def unseen(self, seen: ClusterFence, proofs: Sequence[Proof]) -> bool:
        """Whether Patroni is silent, no member is seen at work, and no host of one that is left."""
        silent = seen.cluster.settings is None
        return (
            silent
            and not any(member.alive for member in seen.members)
            and all(
                HostFence().unseen(
                    member.host, [one for one in proofs if one.subject == member.place]
                )
                for member in seen.left
            )
        )

    def by_hand(self, facts: Facts) -> list[str]:
        """Tell Patroni; where that cannot be done, end every member on its host."""
        cluster, source, lines = cluster_of(facts, place_of(facts)), self._source(facts), []
        if source is not None:
            section = standby_section(following_of(facts, source))
            body = json.dumps({"pause": None, "standby_cluster": section})
            lines = [
                "If any of its members answers:",
                typed(patroni(cluster, "/config", "PATCH", body)),
                typed(patroni(cluster, "/cluster")),
                "It must have no leader but a standby_leader. If not, end each member:",
            ]
        for part in parts_at(facts):
            fence = self._host_fence(facts, part)
            if cluster.stop_command:
                lines.append(typed(shlex.join(cluster.stop_command), system_at(facts, part).host))
            lines += fence.by_hand(_turned(facts, part)) if fence is not None else []
        return lines

    def _look_at_host(self, look: Look) -> FenceSeen:
        fence = self._host_fence(look.facts, place_of(look.facts))
        if fence is not None:
            return fence.observe(look)
        return seen_by(look, "", (), answering=bool(what_listens(look.facts)))

    def _demote(self, hands: Hands) -> str:
        """Tell Patroni whom to follow, and wait for its members; what went wrong, or ""."""
        wanted = self._wanted(hands)
        if wanted is None:
            return ""
        told = {"pause": None, "standby_cluster": standby_section(wanted)}
        try:
            hands_on(hands).configure(told)
        except DrtoolError as error:
            return error.line()
        end, parts = time.monotonic() + self.drain.seconds, parts_at(hands.facts)
        while len(shown_by_patroni(hands)) < len(parts):
            if time.monotonic() > end:
                return f"Patroni did not demote every member within {self.drain}"
            time.sleep(_POLL_SECONDS)
        return ""

    def _end(self, hands: Hands, seconds: float) -> str:
        fence = self._host_fence(hands.facts, place_of(hands.facts))
        return end_on_host(hands, fence or HostFence(paths=()), seconds)

    def _host_fence(self, facts: Facts, part: Place) -> HostFence | None:
        """The fence of a member's host, by the paths that lead there; None where none does."""
        asked: tuple[FencePath, ...] = system_at(facts, part).fence
        if self.paths is not None:
            asked = tuple(path for path in self.paths if path != "patroni")
        return HostFence(paths=asked, max_age=self.max_age) if asked else None

    def _tells_patroni(self, facts: Facts) -> bool:
        paths = cluster_of(facts, place_of(facts)).fence if self.paths is None else self.paths
        return PATRONI in paths

    def _wanted(self, look: Look) -> Following | None:
        """Whom it shall follow, if Patroni is to be told."""
        source = self._source(look.facts)
        if source is None:
            return None
        return following_of(look.facts, source, cluster_or_why(look, source).leader)

    def _source(self, facts: Facts) -> Place | None:
        """The other side of the run, where there is one and Patroni is told of it."""
        try:
            return other_side(facts) if self._tells_patroni(facts) else None
        except BadInput:
            return None


def _turned(facts: Facts, part: Place) -> Facts:
    return facts.model_copy(update={"at": part})
