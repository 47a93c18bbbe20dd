"""patroni.reprotect: the cluster that was left follows the new primary."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from typing import ClassVar

from drtool.action import Facts, Hands, Look, StateAction, Target
from drtool.actions.patroni.reprotection import ClusterReprotected, reason_not_to_follow
from drtool.actions.patroni.showing import cluster_or_why, parts_at
from drtool.actions.patroni.sides import (
    cluster_of,
    following_of,
    hands_on,
    look_at,
    member_of,
    standby_section,
)
from drtool.actions.postgresql.loose_ends import RESTORE_POLICY, fenced_by_power, release_power
from drtool.actions.postgresql.sides import other_side, place_of, system_at
from drtool.connections.patroni import PatroniReader
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Reader
from drtool.connections.redfish import PowerReader
from drtool.connections.ssh import SshHands
from drtool.connections.typed import patroni, restore_policy, typed
from drtool.errors import DrtoolError, StepFailed, Unreachable
from drtool.model.change import Change
from drtool.model.inventory import Patroni
from drtool.model.patroni import Cluster, Following
from drtool.model.place import Place
from drtool.model.purpose import Purpose
from drtool.model.replication import Replication
from drtool.units import Duration

_COMMAND_SECONDS = 60.0
_POLL_SECONDS = 0.5


class Reprotect(StateAction[ClusterReprotected]):
    """Make the cluster that was left a standby cluster that streams from the new primary.

    Patroni is told whom to follow: where it runs by its REST API; where it was ended by
    ``patronictl`` on a member's host, before ``start_command`` starts it on each of them. It takes
    back what only the old primary has, by rewind or by a new copy, and keeps nothing of it.
    """

    purpose: ClassVar[Purpose] = Purpose.REPROTECT
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "patroni"
    default_deadline: ClassVar[Duration] = Duration(2 * 3600)
    every: ClassVar[Duration] = Duration(0.5)

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The cluster with the primary; the other one is reached when it is there."""
        source = str(other_side(facts))
        return [(PatroniReader, source), (PostgresqlReader, source)]

    def observe(self, look: Look) -> ClusterReprotected:
        """Both clusters by Patroni's word, and their leaders by their own."""
        facts, place, source_place = look.facts, place_of(look.facts), other_side(look.facts)
        source = look_at(look, source_place)
        if source.leader is None:
            raise Unreachable(f"patroni {source_place}", f"no leader to follow: {source}")
        cluster, primary = cluster_or_why(look), member_of(source_place, source.leader)
        seen = ClusterReprotected(
            place=str(place),
            source_place=str(source_place),
            at=look.now(),
            cluster=cluster,
            source=source,
            server=_leader(look, place, cluster),
            source_server=look.reach(PostgresqlReader, str(primary)).replication(),
            wanted=following_of(facts, source_place, source.leader),
        )
        if not seen.following:
            return seen
        kept_off, trouble = _kept_off(look)
        return seen.model_copy(update={"kept_off": kept_off, "power_trouble": trouble})

    def changes(self, seen: ClusterReprotected) -> list[Change]:
        """One, until its leader streams from the primary; then what a fence by power has left."""
        if seen.following:
            return [_policy(seen.place, host) for host in seen.kept_off]
        before = f"{seen.cluster.role} cluster" if seen.answers else "Patroni does not answer"
        after = f"follows {seen.wanted}, streaming on timeline {seen.source_server.timeline}"
        return [Change(subject=f"patroni {seen.place}", before=before, after=after)]

    def reason_to_wait(self, seen: ClusterReprotected) -> str | None:
        """Patroni was told, and is at it."""
        if (
            seen.following
            or not seen.told
            or seen.cluster.paused
            or reason_not_to_follow(seen) is not None
        ):
            return None
        return f"told to follow {seen.wanted}, and does not stream yet: {seen.cluster}"

    def reason_not_to_apply(self, seen: ClusterReprotected, facts: Facts) -> str | None:
        """Nobody to follow, split brain, or another cluster."""
        del facts
        return reason_not_to_follow(seen)

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Tell Patroni where it runs; where it does not, tell its DCS and start it."""
        place = str(place_of(hands.facts))
        left = [host for host in _hosts(hands.facts) if _policy(place, host) in changes]
        if left:
            for host in left:
                release_power(hands, host)
            return
        source = other_side(hands.facts)
        wanted = following_of(hands.facts, source, look_at(hands, source).leader)
        told = {"pause": None, "standby_cluster": standby_section(wanted)}
        if _answers(hands):
            hands_on(hands).configure(told)
        else:
            self._start(hands, wanted)

    def by_hand(self, facts: Facts) -> list[str]:
        """Tell Patroni, or its DCS, then start it."""
        place, source = place_of(facts), other_side(facts)
        cluster, following = cluster_of(facts, place), following_of(facts, source)
        host = system_at(facts, parts_at(facts)[0]).host
        body = json.dumps({"standby_cluster": standby_section(following)})
        started = [
            typed(shlex.join(cluster.start_command), system_at(facts, part).host)
            for part in parts_at(facts)
            if cluster.start_command
        ]
        return [
            "If any of its members answers:",
            typed(patroni(cluster, "/config", "PATCH", body)),
            "If none does, on one of its hosts, before Patroni starts anywhere:",
            typed(f"echo {shlex.quote(body)} | {shlex.join(_edit(cluster))}", host),
            "Then start Patroni on every member:",
            *started,
            typed(patroni(cluster, "/cluster")),
            "It must have a standby_leader, streaming, on the primary's timeline.",
            *_policies_by_hand(facts),
        ]

    def _start(self, hands: Hands, wanted: Following) -> None:
        """Write to the DCS through the first host that can, then start Patroni on each."""
        cluster = cluster_of(hands.facts, place_of(hands.facts))
        body = json.dumps({"pause": None, "standby_cluster": standby_section(wanted)})
        subject = f"reprotect of {place_of(hands.facts)}"
        if not cluster.start_command:
            hint = "write start_command into the inventory"
            raise StepFailed(subject, "Patroni does not run, and nothing starts it", "", hint)
        hosts = [system_at(hands.facts, part).host for part in parts_at(hands.facts)]
        troubles = []
        for host in hosts:
            trouble = _run(hands, host, _edit(cluster), body)
            if trouble is None:
                break
            troubles.append(trouble)
        else:
            expected = "a host where patronictl writes to the DCS"
            raise StepFailed(subject, "; ".join(troubles), expected)
        started = [_run(hands, host, cluster.start_command) for host in hosts]
        if all(started):
            raise StepFailed(subject, "; ".join(map(str, started)), "a member that starts")
        end = time.monotonic() + _COMMAND_SECONDS
        while not _answers(hands):
            if time.monotonic() > end:
                raise StepFailed(subject, "Patroni was started, and no member answers")
            time.sleep(_POLL_SECONDS)


def _hosts(facts: Facts) -> tuple[str, ...]:
    """The members' hosts that a fence may have told to stay off."""
    parts = (facts.model_copy(update={"at": part}) for part in parts_at(facts))
    return tuple(dict.fromkeys(host for part in parts if (host := fenced_by_power(part))))


def _kept_off(look: Look) -> tuple[tuple[str, ...], str]:
    """Those that would stay off now, and why that is not known of others."""
    found, troubles = [], []
    for host in _hosts(look.facts):
        try:
            if look.reach(PowerReader, host).state().stays_off:
                found.append(host)
        except DrtoolError as error:
            troubles.append(error.line())
    return tuple(found), "; ".join(troubles)


def _policy(place: str, host: str) -> Change:
    subject = f"patroni {place} restore policy of host {host}"
    return Change(subject=subject, before="AlwaysOff", after=RESTORE_POLICY)


def _policies_by_hand(facts: Facts) -> list[str]:
    powers = [facts.inventory.hosts[host].power for host in _hosts(facts)]
    lines = [restore_policy(power, RESTORE_POLICY) for power in powers if power]
    said = "So that its machines come back after a power cut again:"
    return [said, *lines] if lines else []


def _answers(look: Look) -> bool:
    """Whether any of the cluster's members' Patroni answers."""
    return any(node.answers for node in cluster_or_why(look).nodes)


def _leader(look: Look, place: Place, cluster: Cluster) -> Replication | None:
    """The cluster's leader as a server; None where there is none, or it does not answer."""
    if cluster.leader is None:
        return None
    try:
        reader = look.reach(PostgresqlReader, str(member_of(place, cluster.leader)))
        return reader.replication()
    except DrtoolError:
        return None


def _edit(cluster: Patroni) -> list[str]:
    """The command that merges what it reads into the configuration in the DCS."""
    return [*cluster.patronictl, "edit-config", cluster.scope, "--force", "--apply", "-"]


def _run(hands: Hands, host: str, argv: Sequence[str], feed: str = "") -> str | None:
    """Run a command on a host; what went wrong, or None."""
    try:
        ran = hands.reach(SshHands, host).run(list(argv), _COMMAND_SECONDS, feed)
    except DrtoolError as error:
        return error.line()
    return None if ran.code == 0 else f"host {host}: {argv[0]} ended with {ran.code}: {ran.said()}"
