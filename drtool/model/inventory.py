"""What there is and how to reach it; roles are never written down, only observed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drtool.model.lease import DynamodbTable, LeaseAt
from drtool.model.notify import Notify
from drtool.model.people import Person, Right, Role
from drtool.model.place import Place
from drtool.model.secret import SecretRef
from drtool.model.signals import HOLD_DOWN, Automatic, HoldDown, Signal
from drtool.model.systems import (
    FencePath,
    Patroni,
    PatroniMember,
    Pgbouncer,
    Postgresql,
    Served,
    System,
)
from drtool.model.value import Name, Value
from drtool.model.words import HostKey, Plain, Port, Text, Url
from drtool.units import Duration

__all__ = [
    "Dns",
    "DnsServer",
    "DynamodbTable",
    "FencePath",
    "Host",
    "HostKey",
    "Inventory",
    "LeaseAt",
    "Patroni",
    "PatroniMember",
    "Person",
    "Pgbouncer",
    "Plain",
    "Port",
    "Postgresql",
    "Power",
    "Resolver",
    "Role",
    "Served",
    "Service",
    "Site",
    "Ssh",
    "System",
    "Text",
]


class Service(Value):
    """A service as its customers see it."""

    endpoint: Plain | None = Field(default=None, description="The DNS name that clients follow.")
    url: Plain | None = Field(default=None, description="Where the service is asked from outside.")
    preferred: Name = Field(description="The site where the service is at home.")
    lease: LeaseAt = Field(default=LeaseAt(), description="Who says who may act on the service.")
    heartbeat: Duration | None = Field(
        default=None, description="How often `drtool heartbeat` writes its row."
    )
    signals: tuple[Signal, ...] = Field(
        default=(), description="What `drtool watch` looks at; two at least, from two places."
    )
    hold_down: HoldDown = Field(
        default=HOLD_DOWN,
        description="How long two places must say that it is out before it counts; at least 60s.",
    )
    automatic: Automatic | None = Field(
        default=None, description="What `drtool watch` may start by itself; default: nothing."
    )


class Site(Value):
    """A place that can host services."""

    address: Plain = Field(description="Where the endpoint points when this site serves.")
    region: str | None = Field(default=None, description="Where it is, for people.")
    systems: dict[Name, System] = Field(
        default={}, description="What holds data there, or stands before it."
    )
    machines: tuple[Plain, ...] = Field(
        default=(), description="The machines there that people run drtool on, by hostname."
    )
    holds: tuple[Plain, ...] = Field(
        default=(),
        description="What else is lost with it: names, networks, addresses, directories, programs.",
    )


class Ssh(Value):
    """How a host is reached over SSH; the host key is pinned, never learned."""

    address: Plain = Field(description="A name or an address.")
    port: Port = Field(default=22, description="The port of its SSH server.")
    user: Plain = Field(description="Who drtool is there.")
    host_key: HostKey = Field(description="Its public key, as ssh-keyscan prints it: TYPE BASE64.")
    key_file: Plain | None = Field(
        default=None,
        description="Our private key, relative to the inventory; default: an agent's, or ~/.ssh.",
    )
    state_directory: Plain = Field(
        default="/var/tmp/drtool",  # noqa: S108 - a directory on the target, made 0700
        description="Where runs leave their traces on the host.",
    )


class Power(Value):
    """A power controller that speaks Redfish."""

    redfish: Url = Field(description="The controller's address.")
    system: Plain = Field(description="The machine's name at the controller, often 1.")
    uuid: Plain | None = Field(
        default=None,
        description="The machine's UUID, as its controller tells it; nothing else is switched.",
    )
    user: Plain = Field(default="drtool", description="Who drtool is there.")
    password: SecretRef = Field(description="A reference to its password.")
    ca_file: Plain | None = Field(
        default=None, description="The authority to believe; default: the machine's own."
    )
    out_of_band: bool | None = Field(
        default=None,
        description="Whether it is reached, and has power, while its site has neither.",
    )


class Host(Value):
    """A machine, physical or virtual."""

    site: Name | None = Field(default=None, description="The site it stands at.")
    ssh: Ssh | None = Field(default=None, description="How it is reached over SSH.")
    power: Power | None = Field(default=None, description="Its power controller.")
    also_runs: tuple[Text, ...] = Field(
        default=(), description="What else ends when its power is cut, for people."
    )


class DnsServer(Value):
    """An authoritative server that takes RFC 2136 updates."""

    site: Name = Field(description="The site it stands at.")
    address: Plain = Field(description="A name or an address.")
    port: Port = Field(default=53, description="The port it answers at.")


class Resolver(Value):
    """A resolver that customers ask; it keeps old answers for as long as they may be kept."""

    address: Plain = Field(description="A name or an address.")
    port: Port = Field(default=53, description="The port it answers at.")


class Dns(Value):
    """The zone that clients follow, and the servers that answer for it."""

    zone: Plain = Field(description="The zone that holds the endpoints.")
    min_servers: int = Field(
        default=1, ge=1, description="How many servers must agree after a change."
    )
    ttl: Duration = Field(
        default=Duration(5), description="How long resolvers may keep what drtool writes."
    )
    key_name: Plain = Field(default="drtool", description="The TSIG key's name.")
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = Field(
        default="hmac-sha256", description="The TSIG key's algorithm."
    )
    key: SecretRef = Field(description="A reference to the TSIG key, base64 as BIND writes it.")
    servers: dict[Name, DnsServer] = Field(description="The authoritative servers, by name.")
    resolvers: dict[Name, Resolver] = Field(
        default={},
        description="Resolvers that customers ask, by name; the service is recovered when they "
        "give its new address.",
    )


class Inventory(Value):
    """Everything that runbooks may speak of."""

    version: Literal[1] = Field(description="The version of this language.")
    services: dict[Name, Service] = Field(description="What runbooks recover, by name.")
    sites: dict[Name, Site] = Field(description="The places that can host services, by name.")
    hosts: dict[Name, Host] = Field(default={}, description="The machines, by name.")
    dns: Dns | None = Field(default=None, description="The zone that clients follow.")
    roles: dict[Name, Role] = Field(default={}, description="Who consents, by role.")
    people: dict[Name, Person] = Field(
        default={}, description="Who proves their identity with which keys, and may do what."
    )
    notify: Notify | None = Field(default=None, description="Who is told of a run, and how.")
    outside: tuple[Plain, ...] = Field(
        default=(), description="What outlives every site: names, networks, programs."
    )

    @property
    def proves_identity(self) -> bool:
        """Whether people answer and act with their keys; without any key, by their typed word."""
        return any(person.keys for person in self.people.values())

    def needed(self, role: str, count: int | None) -> int:
        """How many approvals of a role are wanted, where a step says ``count`` or nothing."""
        found = self.roles.get(role)
        return count or (found.needs if found else None) or 1

    def able(self, role: str) -> tuple[str, ...]:
        """The members of a role who can approve; all, where nobody proves who they are."""
        members = self.roles[role].members if role in self.roles else ()
        if not self.proves_identity:
            return members
        return tuple(
            name
            for name in members
            if (person := self.people.get(name)) and person.keys and Right.APPROVE in person.may
        )

    def person_of(self, key: str) -> str | None:
        """Whose a public key is."""
        return next((name for name, person in self.people.items() if person.has(key)), None)

    def system(self, target: str) -> System | None:
        """The system that ``site.system`` names, or whose member ``site.system.member`` does."""
        site, _, rest = target.partition(".")
        return self.sites[site].systems.get(rest.partition(".")[0]) if site in self.sites else None

    def counterparts(self, place: Place, site: str) -> tuple[str, ...]:
        """What stands at a site for the system at ``place``: that of its name, or of its kind."""
        systems = self.sites[site].systems
        if place.system in systems:
            return (place.system,)
        own = self.system(str(place))
        kind = own.kind if own else "postgresql"
        return tuple(name for name, system in systems.items() if system.kind == kind)

    def hosts_at(self, site: str) -> tuple[str, ...]:
        """The hosts of a site: those that say so, and those that its systems run on."""
        systems = self.sites[site].systems.values() if site in self.sites else ()
        bearing = {host for system in systems for host in system.hosts}
        return tuple(
            name
            for name, host in self.hosts.items()
            if host.site == site or (host.site is None and name in bearing)
        )

    def server(self, target: str) -> Postgresql | None:
        """The PostgreSQL server ``site.system``, or ``site.system.member`` of a Patroni cluster.

        Its address is filled in. None when there is no such server.
        """
        found, (site, _, member) = self.system(target), f"{target}..".split(".")[:3]
        if isinstance(found, Patroni):
            return found.server(member) if member in found.members else None
        if not isinstance(found, Postgresql) or member:
            return None
        return found.model_copy(update={"address": found.address or self.sites[site].address})
