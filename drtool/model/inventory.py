"""What there is and how to reach it; roles are never written down, only observed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from drtool.model.secret import SecretRef
from drtool.model.value import Name, Value
from drtool.units import Duration

Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Plain = Annotated[str, StringConstraints(pattern=r"^[^-\s][^\s]*$", max_length=4096)]
HostKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp\d+|rsa-sha2-\d+|ssh-rsa) [A-Za-z0-9+/=]+$"
    ),
]
FencePath = Literal["ssh", "power"]


class LeaseAt(Value):
    """Which arbiter says who may act on a service."""

    at: Literal["postgresql", "dns", "journal"] = Field(
        default="journal",
        description="A session at the database, a record in DNS, or this machine's journal.",
    )


class Service(Value):
    """A service as its customers see it."""

    endpoint: Plain | None = Field(default=None, description="The DNS name that clients follow.")
    url: Plain | None = Field(default=None, description="Where the service is asked from outside.")
    preferred: Name = Field(description="The site where the service is at home.")
    lease: LeaseAt = Field(default=LeaseAt(), description="Who says who may act on the service.")
    heartbeat: Duration | None = Field(
        default=None, description="How often `drtool heartbeat` writes its row."
    )


class Replication(Value):
    """How a standby connects to its primary."""

    user: Plain = Field(description="The user with the right to replicate.")
    password: SecretRef | None = Field(default=None, description="A reference to its password.")
    slot: Name = Field(default="drtool", description="The slot that a standby takes.")


class Postgresql(Value):
    """A PostgreSQL server at a site."""

    kind: Literal["postgresql"] = Field(description="What it is.")
    host: Name = Field(description="The machine it runs on, one of `hosts`.")
    address: Plain | None = Field(
        default=None, description="Where it listens; default: the site's address."
    )
    port: Port = Field(default=5432, description="The port it listens at.")
    user: Plain = Field(default="postgres", description="Who drtool is there.")
    database: Plain = Field(default="postgres", description="The database drtool connects to.")
    password: SecretRef | None = Field(default=None, description="A reference to its password.")
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = Field(
        default="prefer", description="How far TLS is asked for, as libpq has it."
    )
    sslrootcert: Plain | None = Field(default=None, description="The authority to believe.")
    data_directory: Plain = Field(description="Its data directory on the host.")
    bin_directory: Plain | None = Field(
        default=None, description="Where pg_ctl and the others are; default: on the path."
    )
    system_identifier: Annotated[str, StringConstraints(pattern=r"^\d+$")] | None = Field(
        default=None, description="Which cluster it is: pg_controldata shows it. Quote it."
    )
    start_command: tuple[Text, ...] | None = Field(
        default=None, description="What starts it on the host, word by word; default: pg_ctl."
    )
    replication: Replication | None = Field(
        default=None, description="How a standby connects to it."
    )
    fence: tuple[FencePath, ...] = Field(
        default=("ssh",), description="How it is fenced, tried in this order."
    )
    boot_guard: bool = Field(
        default=False, description="Whether the boot guard is installed on the host."
    )


class Site(Value):
    """A place that can host services."""

    address: Plain = Field(description="Where the endpoint points when this site serves.")
    region: str | None = Field(default=None, description="Where it is, for people.")
    systems: dict[Name, Postgresql] = Field(default={}, description="What holds data there.")


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

    redfish: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] = Field(
        description="The controller's address."
    )
    system: Plain = Field(description="The machine's name at the controller, often 1.")
    user: Plain = Field(default="drtool", description="Who drtool is there.")
    password: SecretRef = Field(description="A reference to its password.")
    ca_file: Plain | None = Field(
        default=None, description="The authority to believe; default: the machine's own."
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


class Role(Value):
    """People who may be asked, and who stands in for them."""

    people: tuple[Text, ...] = Field(description="Who may be asked.")
    deputies: tuple[Text, ...] = Field(default=(), description="Who stands in for them.")


class Inventory(Value):
    """Everything that runbooks may speak of."""

    version: Literal[1] = Field(description="The version of this language.")
    services: dict[Name, Service] = Field(description="What runbooks recover, by name.")
    sites: dict[Name, Site] = Field(description="The places that can host services, by name.")
    hosts: dict[Name, Host] = Field(default={}, description="The machines, by name.")
    dns: Dns | None = Field(default=None, description="The zone that clients follow.")
    roles: dict[Name, Role] = Field(default={}, description="Who consents, by role.")
