"""What was seen, thing by thing, or the error in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from drtool.connections.dns import Answer
from drtool.connections.http import Reply
from drtool.connections.postgresql.readiness import Readiness
from drtool.connections.redfish import PowerState
from drtool.connections.ssh_vitals import Vitals
from drtool.errors import DrtoolError
from drtool.lease.dns_record import LeaseRecord
from drtool.lease.freeze import Flag
from drtool.model.patroni import Cluster
from drtool.model.postgresql_host import HostState
from drtool.model.replication import Holder, ManagerSign, Replication, Sender
from drtool.model.secret import SecretRef
from drtool.verbs.doctor.scope import Other

T = TypeVar("T")
Where = tuple[str, str]


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server; ``leases`` are those that somebody holds there, by service."""

    replication: Replication
    readiness: Readiness
    ahead_seconds: float
    senders: tuple[Sender, ...] = ()
    managers: tuple[ManagerSign, ...] = ()
    leases: Mapping[str, Holder] = field(default_factory=dict)


@dataclass(frozen=True)
class Controller:
    """A power controller; ``certificate_ends`` is None where there is no TLS."""

    state: PowerState
    certificate_ends: datetime | None = None


@dataclass(frozen=True)
class NameServer:
    """A DNS server: ``endpoints`` and ``leases`` by service, ``refusal`` is of our key."""

    serial: int
    endpoints: Mapping[str, Answer] = field(default_factory=dict)
    leases: Mapping[str, Answer] = field(default_factory=dict)
    ahead_seconds: float | None = None
    refusal: DrtoolError | None = None


@dataclass(frozen=True)
class Seen:
    """Everything at one moment. ``data`` is what the hosts show of the servers' directories.

    ``records`` are leases on hosts and in DynamoDB, ``flags`` those that freeze a service, both
    by service and place.
    """

    at: datetime
    hosts: Mapping[str, Vitals | DrtoolError] = field(default_factory=dict)
    data: Mapping[str, HostState | DrtoolError] = field(default_factory=dict)
    servers: Mapping[str, Server | DrtoolError] = field(default_factory=dict)
    clusters: Mapping[str, Cluster | DrtoolError] = field(default_factory=dict)
    controllers: Mapping[str, Controller | DrtoolError] = field(default_factory=dict)
    name_servers: Mapping[str, NameServer | DrtoolError] = field(default_factory=dict)
    pages: Mapping[str, Reply | DrtoolError] = field(default_factory=dict)
    records: Mapping[Where, LeaseRecord | DrtoolError] = field(default_factory=dict)
    flags: Mapping[Where, Flag | DrtoolError] = field(default_factory=dict)
    others: Mapping[Other, DrtoolError | None] = field(default_factory=dict)
    secrets: Mapping[SecretRef, DrtoolError | None] = field(default_factory=dict)

    @property
    def primaries(self) -> list[str]:
        """The servers that say that they are primaries."""
        servers = answering(self.servers)
        return [name for name, one in servers.items() if not one.replication.in_recovery]


def answering(found: Mapping[str, T | DrtoolError]) -> dict[str, T]:
    """Those that answered."""
    return {name: one for name, one in found.items() if not isinstance(one, DrtoolError)}
