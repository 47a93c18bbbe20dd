"""Look at everything side by side; nothing waits longer than the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

from drtool.connections.dns.rights import RightsReader
from drtool.connections.http import HttpReader, Reply
from drtool.connections.patroni import PatroniReader
from drtool.connections.postgresql.readiness import Readiness, ReadinessReader
from drtool.connections.postgresql_host import PostgresqlHostReader
from drtool.connections.reach import Context, Reader
from drtool.connections.redfish import PowerReader
from drtool.connections.ssh_vitals import Vitals, VitalsReader
from drtool.errors import AccessDenied, DrtoolError, StepFailed
from drtool.lease.dns_record import LeaseRecord, lease_name, parse
from drtool.lease.freeze import Flag, Opener, flag_places, read_flag
from drtool.lease.freeze_record import LABEL as FLAG_LABEL
from drtool.lease.places import lease_places
from drtool.lease.postgresql import lock_key
from drtool.model.patroni import Cluster
from drtool.model.postgresql_host import HostState
from drtool.model.replication import Replication
from drtool.model.secret import SecretRef
from drtool.verbs.doctor.scope import Other, Scope
from drtool.verbs.doctor.seen import Controller, NameServer, Seen, Server, Where
from drtool.verbs.preflight import Call

LIMIT_SECONDS = 3.0
# Its name is asked for first, which takes a second where a DNS server is silent.
PAGE_SECONDS = 1.5
R = TypeVar("R", bound=Reader)
K = TypeVar("K")
T = TypeVar("T")


def look(scope: Scope, context: Context) -> Seen:
    """What is seen of everything in the scope."""
    how, inventory, servers = _Looking(scope, context), scope.inventory, scope.servers
    over_ssh = [name for name, host in inventory.hosts.items() if host.ssh]
    powered = [name for name, host in inventory.hosts.items() if host.power]
    hosts = _Calls(over_ssh, how.host)
    data = _Calls([t for t, one in servers.items() if one.host in over_ssh], how.data)
    answers = _Calls(servers, how.server)
    clusters = _Calls(scope.clusters, how.cluster)
    controllers = _Calls(powered, how.controller)
    name_servers = _Calls(inventory.dns.servers if inventory.dns else (), how.name_server)
    pages = _Calls([name for name, one in inventory.services.items() if one.url], how.page)
    records, flags = _Calls(how.records, how.record), _Calls(how.flags, how.flag)
    others = _Calls(scope.others, how.other)
    secrets = _Calls(scope.secrets, how.secret)
    return Seen(
        at=context.clock.wall(),
        hosts=hosts.results(),
        data=data.results(),
        servers=answers.results(),
        clusters=clusters.results(),
        controllers=controllers.results(),
        name_servers=name_servers.results(),
        pages=pages.results(),
        records=records.results(),
        flags=flags.results(),
        others=others.results(),
        secrets=secrets.results(),
    )


class _Calls(Generic[K, T]):
    """A call for each thing of a kind; what it raises unforeseen is an error like any other."""

    def __init__(self, things: Iterable[K], make: Callable[[K], T]) -> None:
        self._make = make
        self._calls = {thing: Call(str(thing), partial(self._made, thing)) for thing in things}

    def results(self) -> dict[K, T | DrtoolError]:
        """What the calls gave within the limit."""
        return {thing: call.result(LIMIT_SECONDS) for thing, call in self._calls.items()}

    def _made(self, thing: K) -> T:
        try:
            return self._make(thing)
        except DrtoolError:
            raise
        except Exception as error:
            said = f"could not be looked at: {type(error).__name__}: {error}"
            raise StepFailed(str(thing), said, hint="tell us: it is a fault of drtool") from error


class _Looking:
    """How each kind of thing is looked at; every connection is closed again."""

    def __init__(self, scope: Scope, context: Context) -> None:
        self._scope, self._context = scope, context
        self.records = self._places(lease_places)
        self.flags = self._places(flag_places)

    def _places(self, of: Callable[[str, Context], dict[str, Opener]]) -> dict[Where, Opener]:
        """What keeps something of each service, and how it is opened."""
        return {
            (service, where): opened
            for service in self._scope.inventory.services
            for where, opened in of(service, self._context).items()
        }

    def host(self, name: str) -> Vitals:
        paths = [one.data_directory for one in self._scope.servers_on(name).values()]
        return self._with(
            VitalsReader, name, lambda reader: reader.vitals(self._context.clock, tuple(paths))
        )

    def data(self, target: str) -> HostState:
        return self._with(PostgresqlHostReader, target, _settled)

    def server(self, target: str) -> Server:
        return self._with(ReadinessReader, target, self._server)

    def _server(self, reader: ReadinessReader) -> Server:
        ready, services = reader.readiness(), self._scope.inventory.services
        replication, ahead = self._replication(reader, ready)
        holders = {
            name: reader.who_holds(lock_key(name))
            for name, service in services.items()
            if service.lease.at == "postgresql"
        }
        return Server(
            replication=replication,
            readiness=ready,
            ahead_seconds=ahead,
            senders=() if replication.in_recovery else reader.senders(),
            managers=reader.managers(),
            leases={name: holder for name, holder in holders.items() if holder},
        )

    def _replication(self, reader: ReadinessReader, ready: Readiness) -> tuple[Replication, float]:
        """Its state, and how far its clock is ahead; a right that is missing comes with others."""
        clock = self._context.clock
        asked = clock.wall()
        try:
            found = reader.replication()
        except AccessDenied as error:
            if not ready.grants:
                raise
            lacks = ", ".join((*ready.missing, *ready.missing_for_rewind))
            said = f"user {ready.user} lacks {lacks}"
            raise AccessDenied(error.subject, said, hint="; ".join(ready.grants)) from error
        halfway = asked + (clock.wall() - asked) / 2
        return found, (found.now - halfway).total_seconds()

    def cluster(self, target: str) -> Cluster:
        return self._with(PatroniReader, target, lambda reader: reader.cluster())

    def controller(self, host: str) -> Controller:
        return self._with(
            PowerReader,
            host,
            lambda reader: Controller(reader.state(), reader.certificate_ends()),
        )

    def name_server(self, name: str) -> NameServer:
        reader, services = RightsReader(name, self._context), self._scope.inventory.services
        soa = reader.answer(reader.zone, "SOA")
        endpoints = {
            service: reader.answer(one.endpoint.rstrip("."))
            for service, one in services.items()
            if one.endpoint
        }
        leases = {
            service: reader.answer(lease_name(service, reader.zone), "TXT")
            for service, one in services.items()
            if one.lease.at == "dns"
        }
        flags = [
            reader.answer(f"{FLAG_LABEL}.{service}.{reader.zone}", "TXT")
            for service, one in services.items()
            if one.lease.freeze == "dns"
        ]
        ahead, refusal = None, None
        try:
            ahead = reader.ahead_seconds()
            for answer in (*endpoints.values(), *leases.values(), *flags):
                free = (LeaseRecord().text(),) if answer.rdtype == "TXT" else ()
                if values := answer.values or free:
                    reader.check_right(answer.model_copy(update={"values": values}))
        except DrtoolError as error:
            refusal = error
        serial = int(soa.values[0].split()[2]) if soa.values else 0
        return NameServer(serial, endpoints, leases, ahead, refusal)

    def page(self, service: str) -> Reply:
        url = self._scope.inventory.services[service].url or ""
        authority = self._scope.ca_file
        return self._with(HttpReader, "", lambda reader: reader.get(url, PAGE_SECONDS, authority))

    def record(self, where: Where) -> LeaseRecord:
        cell = self.records[where]()
        try:
            found = parse(cell.read().values)
        finally:
            cell.close()
        if found is None:
            what = f"its record at {where[1]} is no lease"
            raise StepFailed(f"lease of {where[0]}", what, hint="see who wrote it, and delete it")
        return found

    def flag(self, where: Where) -> Flag:
        return read_flag(where[1], self.flags[where])

    def other(self, other: Other) -> None:
        kind, target = other
        self._with(kind, target, lambda _: None)

    def secret(self, ref: SecretRef) -> None:
        self._context.secrets.resolve(ref)

    def _with(self, kind: type[R], target: str, read: Callable[[R], T]) -> T:
        reader = kind.open(target, self._context)
        try:
            return read(reader)
        finally:
            reader.close()


def _settled(reader: PostgresqlHostReader) -> HostState:
    """What the host shows; a server that is just ending hides its directory for a moment."""
    seen = reader.state()
    if not seen.hidden:
        return seen
    again = reader.state()
    still = tuple(pid for pid in again.hidden if pid in seen.hidden)
    return again.model_copy(update={"hidden": still})
