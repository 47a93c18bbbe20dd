"""What is looked at: everything in the inventory, or what a runbook's procedures need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drtool.catalog import Catalog
from drtool.clock import Clock
from drtool.connections.dns import DnsReader, ResolversReader, ZoneReader
from drtool.connections.http import HttpReader
from drtool.connections.patroni import PatroniReader
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.postgresql_host import PostgresqlHostReader
from drtool.connections.reach import Reader, Writer
from drtool.connections.redfish import PowerReader
from drtool.connections.ssh import SshReader
from drtool.connections.tcp import TcpReader
from drtool.lease.places import hosts_that_keep
from drtool.model.inventory import Host, Inventory, Patroni, Postgresql, Site
from drtool.model.plan import Plan
from drtool.model.secret import SecretRef, secrets_in
from drtool.units import Duration
from drtool.verbs.doctor.plans import facts_of
from drtool.verbs.wanted import entry_of, wanted

Other = tuple[type[Reader], str]
# What the modules beside this one look at by themselves.
_KNOWN = (
    PostgresqlReader,
    PostgresqlHostReader,
    SshReader,
    PowerReader,
    DnsReader,
    ZoneReader,
    ResolversReader,
    HttpReader,
    TcpReader,
    PatroniReader,
)


@dataclass(frozen=True)
class Scope:
    """What is looked at.

    ``inventory`` holds nothing else; ``others`` are connections of kinds that have no examination
    of their own and are only opened. ``runbook`` is what to type for it. ``ca_file`` is whose
    certificates the runbook's requests believe.
    """

    inventory: Inventory
    runbook: str
    inventory_path: str
    others: tuple[Other, ...] = ()
    secrets: tuple[SecretRef, ...] = ()
    rpo: Duration | None = None
    ca_file: str | None = None

    @property
    def servers(self) -> dict[str, Postgresql]:
        """The PostgreSQL servers, as ``site.system``, with their addresses filled in."""
        return {
            f"{site}.{name}": system.model_copy(update={"address": system.address or at.address})
            for site, at in self.inventory.sites.items()
            for name, system in at.systems.items()
            if isinstance(system, Postgresql)
        }

    @property
    def clusters(self) -> dict[str, Patroni]:
        """The Patroni clusters, as ``site.system``."""
        return {
            f"{site}.{name}": system
            for site, at in self.inventory.sites.items()
            for name, system in at.systems.items()
            if isinstance(system, Patroni)
        }

    def servers_on(self, host: str) -> dict[str, Postgresql]:
        """The PostgreSQL servers of one host."""
        return {target: one for target, one in self.servers.items() if one.host == host}

    def site_of(self, host: str) -> str:
        """The site of a host, or ""."""
        written = self.inventory.hosts[host].site if host in self.inventory.hosts else None
        return written or next((t.partition(".")[0] for t in self.servers_on(host)), "")


def whole(inventory: Inventory, typed: str, path: str) -> Scope:
    """Everything in an inventory."""
    return Scope(inventory, typed, path, secrets=secrets_in(inventory))


def of_plans(plans: Iterable[Plan], catalog: Catalog, clock: Clock, typed: str, path: str) -> Scope:
    """What a runbook's plans need; there is one plan at least."""
    every, needs, secrets = list(plans), dict[Other, None](), dict[SecretRef, None]()
    for plan in every:
        for want in wanted(plan, catalog, facts_of(plan, clock.wall())):
            needs[want.kind, want.target] = None
        for step in plan.steps:
            secrets.update(dict.fromkeys(secrets_in(entry_of(plan, step, catalog))))
    plan = every[0]
    inventory = _only(plan.inventory, plan.service, list(needs))
    secrets.update(dict.fromkeys(secrets_in(inventory)))
    others = {
        (reader, target): None
        for kind, target in needs
        if not issubclass(kind, _KNOWN) and (reader := _without_hands(kind)) is not None
    }
    return Scope(
        inventory,
        typed,
        path,
        others=tuple(others),
        secrets=tuple(secrets),
        rpo=plan.objectives.rpo,
        ca_file=_ca_file(every),
    )


def _only(inventory: Inventory, service: str, needs: list[Other]) -> Inventory:
    """The inventory without what no connection leads to."""

    def targets(*kinds: type[Reader]) -> set[str]:
        return {target for kind, target in needs if issubclass(kind, kinds)}

    every = {target for _, target in needs}
    powered = targets(PowerReader)
    over_ssh = targets(SshReader) | hosts_that_keep(service, inventory)
    sites = {name: _site(name, at, every) for name, at in inventory.sites.items()}
    bearing = {
        host for at in sites.values() for system in at.systems.values() for host in system.hosts
    }
    hosts = {
        name: Host(
            site=host.site,
            ssh=host.ssh if name in over_ssh | bearing else None,
            power=host.power if name in powered else None,
            also_runs=host.also_runs,
        )
        for name, host in inventory.hosts.items()
        if name in over_ssh | bearing | powered
    }
    kept = {service: inventory.services[service]}
    return inventory.model_copy(update={"services": kept, "sites": sites, "hosts": hosts})


def _site(name: str, at: Site, targets: set[str]) -> Site:
    """A target may be a member of the system."""
    kept = {
        system: found
        for system, found in at.systems.items()
        if any(f"{target}.".startswith(f"{name}.{system}.") for target in targets)
    }
    return at.model_copy(update={"systems": kept})


def _ca_file(plans: Iterable[Plan]) -> str | None:
    fields = (step.fields for plan in plans for step in plan.steps if "http." in step.action)
    return next((str(one["ca_file"]) for one in fields if one.get("ca_file")), None)


def _without_hands(kind: type[Reader]) -> type[Reader] | None:
    """The kind's own reader: a writer is never opened here."""
    readers = (
        base
        for base in kind.__mro__
        if issubclass(base, Reader) and not issubclass(base, Writer) and base is not Reader
    )
    return next(readers, None)
