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

    at: Literal["postgresql", "dns", "journal"] = "journal"


class Service(Value):
    """A service as its customers see it."""

    endpoint: Plain | None = None
    url: Plain | None = None
    preferred: Name
    lease: LeaseAt = LeaseAt()
    heartbeat: Duration | None = None


class Replication(Value):
    """How a standby connects to its primary."""

    user: Plain
    password: SecretRef | None = None
    slot: Name = "drtool"


class Postgresql(Value):
    """A PostgreSQL server at a site."""

    kind: Literal["postgresql"]
    host: Name
    address: Plain | None = None
    port: Port = 5432
    user: Plain = "postgres"
    database: Plain = "postgres"
    password: SecretRef | None = None
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: Plain | None = None
    data_directory: Plain
    bin_directory: Plain | None = None
    system_identifier: Annotated[str, StringConstraints(pattern=r"^\d+$")] | None = None
    start_command: tuple[Text, ...] | None = None
    replication: Replication | None = None
    fence: tuple[FencePath, ...] = ("ssh",)
    boot_guard: bool = False


class Site(Value):
    """A place that can host services."""

    address: Plain
    region: str | None = None
    systems: dict[Name, Postgresql] = {}


class Ssh(Value):
    """How a host is reached over SSH; the host key is pinned, never learned."""

    address: Plain
    port: Port = 22
    user: Plain
    host_key: HostKey
    key_file: Plain | None = None
    state_directory: Plain = "/var/tmp/drtool"  # noqa: S108 - a directory on the target, made 0700


class Power(Value):
    """A power controller that speaks Redfish."""

    redfish: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    system: Plain
    user: Plain = "drtool"
    password: SecretRef
    ca_file: Plain | None = None


class Host(Value):
    """A machine, physical or virtual."""

    site: Name | None = None
    ssh: Ssh | None = None
    power: Power | None = None
    also_runs: tuple[Text, ...] = ()


class DnsServer(Value):
    """An authoritative server that takes RFC 2136 updates."""

    site: Name
    address: Plain
    port: Port = 53


class Dns(Value):
    """The zone that clients follow, and the servers that answer for it."""

    zone: Plain
    min_servers: Annotated[int, Field(ge=1)] = 1
    ttl: Duration = Duration(5)
    key_name: Plain = "drtool"
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"
    key: SecretRef
    servers: dict[Name, DnsServer]


class Role(Value):
    """People who may be asked, and who stands in for them."""

    people: tuple[Text, ...]
    deputies: tuple[Text, ...] = ()


class Inventory(Value):
    """Everything that runbooks may speak of."""

    version: Literal[1]
    services: dict[Name, Service]
    sites: dict[Name, Site]
    hosts: dict[Name, Host] = {}
    dns: Dns | None = None
    roles: dict[Name, Role] = {}
