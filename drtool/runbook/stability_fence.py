"""What is left of a host's fence when its site is gone; pure."""

from __future__ import annotations

from dataclasses import dataclass

from drtool.model.inventory import Inventory
from drtool.model.stability import Lost, Where
from drtool.safety.whereabouts import Whereabouts, host_in


@dataclass(frozen=True)
class Left:
    """Whether a way outlives the site, and what to do where none does, or nobody has said."""

    where: Where
    todo: str


def ways_left(
    inventory: Inventory, where: Whereabouts, host: str, ways: set[str], site: str
) -> Left:
    """A host that is gone is not fenced over SSH; its power controller may have its own network.

    ``ways`` are ``ssh`` and ``power``, as the fence has them.
    """
    found = inventory.hosts.get(host)
    power = found.power if found and "power" in ways else None
    over_ssh = f"over SSH at {site}" if "ssh" in ways else ""
    there = Where(sites=(site,))
    if power is None:
        told = f"give it a power controller with a network of its own: hosts.{host}.power"
        return Left(Where(sites=(site,), why=over_ssh or str(there)), told)
    name = host_in(power.redfish)
    by_power = "; ".join(filter(None, (over_ssh, f"by power, {name}")))
    declared, apart = where.of_address(power.redfish), power.out_of_band
    if apart or (apart is None and declared.lost_with(site) is Lost.NO):
        return Left(Where(outside=True, why=f"{by_power}, out of band"), "")
    key = f"hosts.{host}.power.out_of_band"
    if apart is False or declared.known:
        told = f"reach {name} by a network of its own, then {key}: true"
        return Left(Where(sites=(site,), why=f"{by_power}, {there}"), told)
    unsaid = f"{by_power}: nobody has said whether it outlives {site}"
    return Left(Where(why=unsaid), f"say it: {key}: true or false")
