"""At which site the arbiter decides; pure."""

from __future__ import annotations

from drtool.model.inventory import Inventory, Served
from drtool.model.lease import ArbiterKind
from drtool.model.place import Direction
from drtool.model.purpose import Procedure


def deciding_site(
    service: str, procedure: Procedure, direction: Direction, inventory: Inventory
) -> str | None:
    """``to``; else the site concerned, or where that is lost the first other that has an arbiter.

    Everybody who loses the same site must come to the same other one, so that they meet there.
    """
    lost = direction.from_site if procedure is Procedure.LOSE else None
    if direction.to_site is not None or lost is None:
        return direction.to_site or direction.from_site
    others = [site for site in inventory.sites if site != lost]
    at = inventory.services[service].lease.at
    able = [site for site in others if _has_arbiter(at, site, inventory)]
    return next(iter([*able, *others]), lost)


def _has_arbiter(at: ArbiterKind, site: str, inventory: Inventory) -> bool:
    if at == "dns":
        servers = inventory.dns.servers.values() if inventory.dns else ()
        return any(server.site == site for server in servers)
    if at == "postgresql":
        systems = inventory.sites[site].systems.values()
        return any(isinstance(system, Served) for system in systems)
    if at == "file":
        return any(inventory.hosts[name].ssh for name in inventory.hosts_at(site))
    return True
