"""Connections of kinds that have no examination of their own: whether they can be opened."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen

_AREA = Area.HOSTS


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Those that cannot be opened, and a line for each that can."""
    for (kind, target), error in seen.others.items():
        name = f"{kind.__name__.removesuffix('Reader').lower()} {target}".strip()
        if error is None:
            yield _AREA.well(name, "can be reached")
        else:
            yield _AREA.told(error, f"bring it up, or correct it in {scope.inventory_path}")
