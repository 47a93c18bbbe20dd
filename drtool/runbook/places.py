"""What ``at`` points to: a site, and the system or the host there."""

from __future__ import annotations

from dataclasses import dataclass

from drtool.action import Entry, Target
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.runbook.mapping import did_you_mean, one_of

SIDES = ("to", "from", "others")


@dataclass(frozen=True, slots=True)
class Astray:
    """Why a place cannot be found, and what to write."""

    reason: str
    hint: str = ""


def default_at(entry: type[Entry] | None, at: str | None) -> str | None:
    """What is meant where nothing is written: ``to`` for what acts on a site as a whole."""
    if at is None and entry is not None and entry.target is Target.SITE:
        return "to"
    return at


def find_place(
    at: str, entry: type[Entry] | None, inventory: Inventory, direction: Direction, site: str | None
) -> Place | Astray:
    """The place that ``at`` means in a direction; ``site`` is one of ``others``."""
    side, _, part = at.partition(".")
    name = site or _side(side, direction)
    if name is None:
        return Astray(f"at is {at}, and this procedure has no {side} site", "name the site")
    if name not in inventory.sites:
        known = [*SIDES, *inventory.sites]
        return Astray(f"at speaks of the unknown site {name}", did_you_mean(name, known))
    if part:
        return _named(name, part, entry, inventory)
    return _only(name, entry, inventory)


def check_at(at: str, entry: type[Entry] | None, inventory: Inventory) -> Astray | None:
    """Why ``at`` can mean nothing in any direction; None when it can."""
    side = at.partition(".")[0]
    if side not in SIDES:
        found = find_place(at, entry, inventory, Direction(), None)
        return found if isinstance(found, Astray) else None
    tried = [find_place(at, entry, inventory, Direction(), site) for site in inventory.sites]
    wrong = [found for found in tried if isinstance(found, Astray)]
    return wrong[0] if len(wrong) == len(tried) and wrong else None


def hosts_at(inventory: Inventory, site: str) -> list[str]:
    """The hosts of a site: those that say so, and those of its systems."""
    found = {name: None for name, host in inventory.hosts.items() if host.site == site}
    found |= {
        host: None
        for system in inventory.sites[site].systems.values()
        for host in system.hosts
        if host in inventory.hosts
    }
    return list(found)


def _side(side: str, direction: Direction) -> str | None:
    if side == "to":
        return direction.to_site
    if side == "from":
        return direction.from_site
    return side if side != "others" else None


def _named(site: str, part: str, entry: type[Entry] | None, inventory: Inventory) -> Place | Astray:
    systems, hosts = inventory.sites[site].systems, hosts_at(inventory, site)
    target = entry.target if entry else Target.NONE
    if part in systems:
        if target is Target.HOST:
            bearing = systems[part].hosts
            if len(bearing) == 1:
                return Place(site=site, host=bearing[0])
            return _not_one(site, f"host of {part}", list(bearing))
        kind = systems[part].kind
        if target is Target.SYSTEM and entry and not entry.acts_on(kind):
            reason = f"{site}.{part} is of kind {kind}, expected {entry.system_kind}"
            return Astray(reason, _own_actions(kind))
        return Place(site=site, system=part)
    if part in hosts and target is not Target.SYSTEM:
        return Place(site=site, host=part)
    known = list(systems) if target is Target.SYSTEM else [*systems, *hosts]
    what = "system" if target is Target.SYSTEM else "system or host"
    listed = f"it has {one_of(known)}" if known else "it has none"
    return Astray(f"site {site} has no {what} {part}", did_you_mean(part, known) or listed)


def _only(site: str, entry: type[Entry] | None, inventory: Inventory) -> Place | Astray:
    target = entry.target if entry else Target.NONE
    if target is Target.HOST:
        hosts = hosts_at(inventory, site)
        if len(hosts) == 1:
            return Place(site=site, host=hosts[0])
        return _not_one(site, "host", hosts)
    if target is Target.SYSTEM and entry is not None:
        systems = inventory.sites[site].systems
        what = f"{entry.system_kind} system".strip()
        found = [name for name, system in systems.items() if entry.acts_on(system.kind)]
        if len(found) == 1:
            return Place(site=site, system=found[0])
        for name, system in systems.items() if not found else ():
            reason = f"site {site} has no {what}, but {name} of kind {system.kind}"
            return Astray(reason, _own_actions(system.kind))
        return _not_one(site, what, found)
    return Place(site=site)


def _own_actions(kind: str) -> str:
    """The hint for an action that is not made for a system of that kind."""
    return f"actions on it begin with {kind}: `drtool actions` lists them"


def _not_one(site: str, what: str, found: list[str]) -> Astray:
    if not found:
        return Astray(f"site {site} has no {what}", "add it to the inventory")
    return Astray(f"site {site} has several {what}s: {', '.join(found)}", f"at: to.{found[0]}")
