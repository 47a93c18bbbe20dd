"""At which site the arbiter decides; pure."""

from __future__ import annotations

from drtool.model.inventory import Inventory, Served
from drtool.model.place import Direction
from drtool.model.purpose import Procedure

_MOVES = {Procedure.SWITCHOVER, Procedure.FAILBACK}
_PLANNED = {*_MOVES, Procedure.DRAIN, Procedure.REFILL}


def deciding_site(service: str, direction: Direction, inventory: Inventory) -> str | None:
    """``to``; else the first site that has an arbiter and is not the one concerned.

    Everybody who loses the same site must come to the same other one, so that they meet there.
    """
    concerned = direction.from_site
    if direction.to_site is not None or concerned is None:
        return direction.to_site or concerned
    others = [site for site in inventory.sites if site != concerned]
    able = [site for site in others if _has_arbiter(service, site, inventory)]
    return next(iter([*able, *others]), concerned)


def second_site(
    service: str, procedure: Procedure, direction: Direction, inventory: Inventory
) -> str | None:
    """Where a planned procedure holds the lease besides: at the site concerned, if it can.

    With the site that decides, any two of them meet, whichever sites they concern.
    """
    if procedure not in _PLANNED:
        return None
    concerned = direction.from_site
    if concerned is None or procedure in _MOVES:
        return concerned
    alone = concerned == deciding_site(service, direction, inventory)
    return concerned if not alone and _has_arbiter(service, concerned, inventory) else None


def _has_arbiter(service: str, site: str, inventory: Inventory) -> bool:
    at = inventory.services[service].lease.at
    if at == "dns":
        servers = inventory.dns.servers.values() if inventory.dns else ()
        return any(server.site == site for server in servers)
    if at == "postgresql":
        systems = inventory.sites[site].systems.values()
        return any(isinstance(system, Served) for system in systems)
    if at == "file":
        return any(inventory.hosts[name].ssh for name in inventory.hosts_at(site))
    return True
