"""Take the right to act on a service, at the arbiter that the inventory names."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Protocol

from drtool.action import Facts
from drtool.connections.reach import Connections, Context
from drtool.errors import BadInput, Unreachable
from drtool.journal.store import Journal
from drtool.lease.deciding import deciding_site, second_site
from drtool.lease.dns import take_dns
from drtool.lease.dynamodb import take_dynamodb
from drtool.lease.file import take_file
from drtool.lease.lease import Lease
from drtool.lease.local import take_local
from drtool.lease.pair import PairLease
from drtool.lease.postgresql import take_postgresql
from drtool.model.inventory import Inventory, Served
from drtool.model.lease import ArbiterKind


class Taker(Protocol):
    """Takes the lease at a site."""

    def __call__(self, site: str, *, by_force: bool = False) -> Lease:
        """The lease there; raises LeaseHeld."""


def take(
    service: str,
    facts: Facts,
    connections: Connections,
    journal: Journal,
    holder: str,
    *,
    from_stopped: bool = False,
    by_force: bool = False,
) -> Lease:
    """Take the lease of a service for the run that ``facts`` tell of.

    What is planned holds it at two sites, so that any two runs meet: switchover and failback at
    ``to`` and ``from``, drain and refill at ``from`` and another. All else holds it at ``to``, or
    where that is missing at one that is not lost. ``from_stopped`` says that the run
    itself may have stopped the server at ``from`` already: its arbiter need not answer then, and
    is taken when it does.
    ``by_force`` takes it also from a holder that is not gone.
    Raises LeaseHeld that names the holder, and what reaching the arbiter raises.
    """
    where = facts.inventory.services[service].lease.at
    if where == "journal":
        return take_local(
            service, journal.path.parent, connections.context.clock, holder, facts.run
        )
    context, run = connections.context, facts.run
    if where == "dynamodb":
        return take_dynamodb(service, context, holder, run, by_force=by_force)
    at_site = _taker(where, service, context, holder, run)
    first, second = sites(facts)
    if first is None:
        raise BadInput(
            f"lease of {service}",
            f"a {facts.procedure.value} without a site to act at cannot keep it at {where}",
            "--to SITE",
        )
    if second is None:
        return at_site(first, by_force=by_force)
    return _take_both(first, second, at_site, from_stopped=from_stopped, by_force=by_force)


def _take_both(
    first: str, second: str, at_site: Taker, *, from_stopped: bool, by_force: bool
) -> PairLease:
    """Take it at both sites or at none, in an order that lets one of two opposite takers win."""
    taken: dict[str, Lease] = {}
    try:
        for site in sorted((first, second)):
            with suppress(*((Unreachable,) if from_stopped and site == second else ())):
                taken[site] = at_site(site, by_force=by_force)
    except BaseException:
        for lease in taken.values():
            lease.release()
        raise
    return PairLease(taken[first], taken.get(second), partial(at_site, second))


def sites(facts: Facts) -> tuple[str | None, str | None]:
    """The site whose arbiter decides, and the second one of a planned procedure."""
    service, direction, inventory = facts.service, facts.direction, facts.inventory
    second = second_site(service, facts.procedure, direction, inventory)
    return deciding_site(service, direction, inventory), second


def _taker(where: ArbiterKind, service: str, context: Context, holder: str, run: str) -> Taker:
    def at_site(site: str, *, by_force: bool = False) -> Lease:
        if where == "dns":
            return take_dns(service, site, context, holder, run, by_force=by_force)
        if where == "file":
            return take_file(service, site, context, holder, run, by_force=by_force)
        target = system_at(service, site, context.inventory)
        return take_postgresql(service, target, context, holder, run, by_force=by_force)

    return at_site


def system_at(service: str, site: str, inventory: Inventory) -> str:
    """The PostgreSQL system that arbitrates at a site; BadInput unless there is just one."""
    systems = inventory.sites[site].systems
    found = sorted(name for name, system in systems.items() if isinstance(system, Served))
    if len(found) != 1:
        raise BadInput(
            f"lease of {service}",
            f"site {site} has {len(found)} PostgreSQL systems ({', '.join(found) or 'none'})",
            "one, which arbitrates",
            f"keep it elsewhere: services.{service}.lease: {{at: dns}}",
        )
    return f"{site}.{found[0]}"
