"""See which site has the primary: roles are observed, never written down."""

from __future__ import annotations

from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import CONNECT_SECONDS, Connections
from drtool.errors import AccessDenied, DrtoolError
from drtool.model.inventory import Inventory, Served
from drtool.runbook.direction import ObservedRoles
from drtool.verbs.preflight import OTHERS_SECONDS, Call


def observe_roles(
    connections: Connections, inventory: Inventory, presumed_lost: str | None = None
) -> ObservedRoles:
    """Ask the database servers of all sites, side by side, what they are now.

    Nothing waits for ``presumed_lost`` beyond two seconds. Raises AccessDenied when a server of
    another site turns us away: it is there, and its role must not be guessed.
    """
    targets = {
        site: f"{site}.{name}"
        for site, at in inventory.sites.items()
        for name in [name for name, one in at.systems.items() if isinstance(one, Served)][:1]
    }
    calls = {
        site: Call(target, lambda target=target: _is_standby(connections, target))  # type: ignore[misc]
        for site, target in targets.items()
    }
    primaries: list[str] = []
    standbys: list[str] = []
    unreachable: list[str] = []
    for site, call in calls.items():
        patience = CONNECT_SECONDS if site == presumed_lost else OTHERS_SECONDS
        found = call.result(patience)
        if isinstance(found, AccessDenied) and site != presumed_lost:
            raise found
        if isinstance(found, DrtoolError):
            unreachable.append(site)
        else:
            (standbys if found else primaries).append(site)
    return ObservedRoles(
        primaries=tuple(primaries), standbys=tuple(standbys), unreachable=tuple(unreachable)
    )


def _is_standby(connections: Connections, target: str) -> bool:
    return connections.get(PostgresqlReader, target).in_recovery()
