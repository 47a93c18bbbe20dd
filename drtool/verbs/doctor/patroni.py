"""Patroni clusters: whether all members answer, one leads, and nobody holds Patroni back."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.errors import DrtoolError
from drtool.model.inventory import Patroni
from drtool.model.patroni import Cluster
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen

_AREA = Area.POSTGRESQL


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Each cluster's own."""
    for target, system in scope.clusters.items():
        found = seen.clusters.get(target)
        if isinstance(found, DrtoolError):
            yield _AREA.told(found, f"bring it up, or correct it in {scope.inventory_path}")
        elif found is not None:
            faults = [*_members(target, system, found, scope.inventory_path)]
            yield from faults or _whole(target, system, found)


def _members(
    target: str, system: Patroni, found: Cluster, inventory_path: str
) -> Iterator[Finding]:
    for node in found.nodes:
        url = system.members[node.name].url
        if not node.answers:
            cure = f"bring it up, or correct its url in {inventory_path}; try: curl {url}/patroni"
            yield _AREA.problem(f"patroni {target}.{node.name}", node.trouble, cure)
        elif system.system_identifier not in {None, node.system_identifier}:
            yield _AREA.problem(
                f"patroni {target}.{node.name}",
                f"is of the cluster {node.system_identifier}",
                f"correct its url or system_identifier in {inventory_path}",
                system.system_identifier or "",
            )


def _whole(target: str, system: Patroni, found: Cluster) -> Iterator[Finding]:
    """What only the DCS tells; a member that is silent is told of before."""
    listed = f"patronictl list {system.scope}"
    subject = f"patroni {target}"
    if found.dcs_trouble:
        yield _AREA.problem(subject, found.dcs_trouble, f"mend its DCS; try: {listed}")
    elif found.leader is None:
        yield _AREA.problem(subject, "nobody leads it", f"see why: {listed}", "one leader")
    elif found.paused:
        cure = f"patronictl resume {system.scope}"
        yield _AREA.warning(subject, "is paused: nobody takes over when its leader dies", cure)
    elif found.strangers:
        yield _AREA.warning(
            subject,
            f"has members that the inventory does not name: {', '.join(found.strangers)}",
            "write them under its members: a fence must reach all of them",
        )
    else:
        said = f"{found.role} cluster of {len(found.nodes)}, led by {found.leader.name}"
        yield _AREA.well(subject, said)
