"""Judge a Patroni cluster: whether it obeys, is healthy, can still write; connects to nothing.

Invariant: what could not be read speaks against it. A member is shown unable to write only by its
own server's word, under a configuration that keeps Patroni from promoting it again.
"""

from __future__ import annotations

from drtool.model.patroni import Cluster, Following, Listed, Node, Word
from drtool.safety.identity import reason_not_same_cluster
from drtool.units import seconds_text

# Three of Patroni's rounds, by its default.
MOST_SILENT_SECONDS = 30.0


def reason_not_steerable(cluster: Cluster) -> str | None:
    """A sentence when Patroni would not do as it is told, or not all that it would do is known."""
    return (
        reason_unknown(cluster)
        or reason_strangers(cluster)
        or reason_paused(cluster)
        or reason_leaderless(cluster)
    )


def reason_unknown(cluster: Cluster) -> str | None:
    """A sentence when the cluster's configuration could not be read, or only an old one."""
    if cluster.settings is None:
        said = "; ".join(map(str, cluster.nodes))
        return f"patroni {cluster.place}: {cluster.dcs_trouble} ({said})"
    ages = [node.dcs_age_seconds for node in cluster.nodes if node.dcs_age_seconds is not None]
    if ages and min(ages) > MOST_SILENT_SECONDS:
        silent = seconds_text(min(ages))
        return f"patroni {cluster.place}: no member has heard of its DCS for {silent}"
    return None


def reason_strangers(cluster: Cluster) -> str | None:
    """A sentence when Patroni knows members that the inventory does not."""
    if not cluster.strangers:
        return None
    return (
        f"patroni {cluster.place} has the member{'s' * (len(cluster.strangers) > 1)} "
        f"{', '.join(cluster.strangers)}, which the inventory does not name; add to its members"
    )


def reason_paused(cluster: Cluster) -> str | None:
    """A sentence in Patroni's maintenance mode, in which it changes no role."""
    if not cluster.paused:
        return None
    return f"patroni {cluster.place} is paused and would change no role; patroni.resume first"


def reason_leaderless(cluster: Cluster) -> str | None:
    """A sentence when no member has the leader key, or the one that has it does not run."""
    leader = cluster.leader
    if leader is None:
        return f"patroni {cluster.place} has no leader: {'; '.join(map(str, cluster.nodes))}"
    if not (leader.leads and leader.running):
        return f"patroni {cluster.place}: its leader does not run as one: {leader}"
    return None


def reason_unhealthy(node: Node, max_lag_bytes: int) -> str | None:
    """A sentence unless a member runs, has its DCS, streams where it should, and keeps up."""
    if not node.running:
        return str(node)
    silent = node.dcs_age_seconds or 0.0
    if silent > MOST_SILENT_SECONDS:
        return f"{node.name} has not heard of its DCS for {seconds_text(silent)}"
    if node.listed is None:
        return f"{node.name}: its cluster's DCS does not list it"
    return None if node.leads else _reason_behind(node, node.listed, max_lag_bytes)


def _reason_behind(node: Node, listed: Listed, max_lag_bytes: int) -> str | None:
    """A sentence when a replica does not stream, or lags."""
    if node.replication != "streaming":
        return f"{node.name}: {node.role} that does not stream ({node.replication or node.state})"
    lag = listed.lag_bytes
    if lag is not None and lag <= max_lag_bytes:
        return None
    behind = "an unknown number of" if lag is None else str(lag)
    return f"{node.name} is {behind} bytes behind, more than {max_lag_bytes}"


def reason_not_to_lead(cluster: Cluster, name: str, max_lag_bytes: int) -> str | None:
    """A sentence when a member cannot take over from the leader of its own cluster now."""
    node = cluster.node(name)
    if node is None:
        return f"patroni {cluster.place} has no member {name}"
    if node.listed is not None and node.listed.barred:
        return f"{name} bears the tag nofailover"
    return reason_unhealthy(node, max_lag_bytes)


def best_candidate(cluster: Cluster, leave: str, max_lag_bytes: int) -> str | None:
    """The member with the least lag that can take over when another one is to be left."""
    fit = [
        (node.listed.lag_bytes or 0, node.name)
        for node in cluster.nodes
        if node.listed is not None
        and node.name != leave
        and reason_not_to_lead(cluster, node.name, max_lag_bytes) is None
    ]
    return min(fit)[1] if fit else None


def reason_no_slot(wanted: Following, source: Cluster) -> str | None:
    """A sentence when the slot that a standby cluster shall take there is not a permanent one."""
    slots = source.settings.slots if source.settings else ()
    if not wanted.slot or wanted.slot in slots:
        return None
    return (
        f"patroni {source.place} has no permanent slot {wanted.slot}: Patroni would drop it; "
        f"configure slots: {{{wanted.slot}: {{type: physical}}}} there"
    )


def reason_not_demoted(cluster: Cluster) -> str | None:
    """A sentence unless its configuration keeps every member from being promoted."""
    unsure = reason_unknown(cluster) or reason_strangers(cluster) or reason_paused(cluster)
    if unsure is None and cluster.following is None:
        return f"patroni {cluster.place} is a primary cluster"
    return unsure


def reason_able_to_write(word: Word, identity: str | None) -> str | None:
    """A sentence unless the member's own server says that it is a standby of that cluster."""
    seen = word.replication
    if seen is None:
        return f"{word.place}: {word.trouble}"
    stranger = reason_not_same_cluster(word.place, seen.system_identifier, identity)
    if stranger is not None:
        return stranger
    return None if seen.in_recovery else f"{seen}"


def end_of(words: tuple[Word, ...]) -> int | None:
    """Where the WAL of a demoted cluster ends: what its members have at most; None if unknown.

    A server answers as a standby only once it has replayed all that its own disk holds, also after
    a crash: what it ever acknowledged as a primary is in it.
    """
    found = [word.replication.position for word in words if word.replication is not None]
    if len(found) < len(words) or None in found:
        return None
    return max((position for position in found if position is not None), default=None)
