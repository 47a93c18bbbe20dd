"""Leases that are kept as records on hosts or in DynamoDB, and services that are frozen."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.errors import DrtoolError
from drtool.lease.freeze import Flag, frozen
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen
from drtool.verbs.freeze import thaw_command

_AREA = Area.SERVICES


def of_records(name: str, scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Whether each place that bears the service's record can be read, and whose it is."""
    free = []
    for (service, where), found in seen.records.items():
        if service != name:
            continue
        if isinstance(found, DrtoolError):
            yield _AREA.told(found, f"correct services.{name}.lease in {scope.inventory_path}")
        elif found.run and found.expires and found.expires > seen.at:
            follow = f"drtool attach {found.run}, on that machine"
            who = f"held by {found.holder}, at {where}"
            yield _AREA.warning(f"lease of {name}", who, follow, "nobody at work")
        else:
            free.append(where)
    if free:
        yield _AREA.well(f"lease of {name}", f"free at {' and '.join(free)}")


def freezes(name: str, scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Who froze the service, since when and why."""
    flags = [
        found
        for (service, _), found in seen.flags.items()
        if service == name and isinstance(found, Flag)
    ]
    flag = frozen(flags, seen.at)
    if flag is not None and flag.freeze is not None:
        said = f"is {flag.freeze.told()} (at {flag.where})"
        cure = thaw_command(name, scope.inventory_path)
        yield _AREA.warning(f"service {name}", said, cure, "a service that can be started")
