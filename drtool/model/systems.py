"""What holds a service's data at a site, or stands before it, by kind."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from drtool.model.secret import SecretRef
from drtool.model.value import Name, Value
from drtool.model.words import Plain, Port, Text, Url

FencePath = Literal["ssh", "power"]
PatroniFencePath = Literal["patroni", "ssh", "power"]
SslMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]


class Replication(Value):
    """How a standby connects to its primary."""

    user: Plain = Field(description="The user with the right to replicate.")
    password: SecretRef | None = Field(default=None, description="A reference to its password.")
    slot: Name = Field(default="drtool", description="The slot that a standby takes.")


class Served(Value):
    """What PostgreSQL servers have in common, whoever manages them."""

    user: Plain = Field(default="postgres", description="Who drtool is there.")
    database: Plain = Field(default="postgres", description="The database drtool connects to.")
    password: SecretRef | None = Field(default=None, description="A reference to its password.")
    sslmode: SslMode = Field(
        default="prefer", description="How far TLS is asked for, as libpq has it."
    )
    sslrootcert: Plain | None = Field(default=None, description="The authority to believe.")
    bin_directory: Plain | None = Field(
        default=None, description="Where pg_ctl and the others are; default: on the path."
    )
    system_identifier: Annotated[str, StringConstraints(pattern=r"^\d+$")] | None = Field(
        default=None, description="Which cluster it is: pg_controldata shows it. Quote it."
    )
    boot_guard: bool = Field(
        default=False, description="Whether the boot guard is installed on the host."
    )


class Postgresql(Served):
    """A PostgreSQL server at a site."""

    kind: Literal["postgresql"] = Field(description="What it is.")
    host: Name = Field(description="The machine it runs on, one of `hosts`.")
    address: Plain | None = Field(
        default=None, description="Where it listens; default: the site's address."
    )
    port: Port = Field(default=5432, description="The port it listens at.")
    data_directory: Plain = Field(description="Its data directory on the host.")
    start_command: tuple[Text, ...] | None = Field(
        default=None, description="What starts it on the host, word by word; default: pg_ctl."
    )
    release_file: Plain | None = Field(
        default=None,
        description="What the boot guard wants to see on the host before it starts a primary.",
    )
    replication: Replication | None = Field(
        default=None, description="How a standby connects to it."
    )
    fence: tuple[FencePath, ...] = Field(
        default=("ssh",), description="How it is fenced, tried in this order."
    )

    @property
    def hosts(self) -> tuple[Name, ...]:
        """The machines it runs on."""
        return (self.host,)


class PatroniRest(Value):
    """How Patroni's REST API is asked for changes."""

    user: Plain = Field(default="drtool", description="Who drtool is there.")
    password: SecretRef | None = Field(
        default=None, description="A reference to its password; default: the API wants none."
    )
    ca_file: Plain | None = Field(
        default=None, description="The authority to believe; default: the machine's own."
    )


class PatroniMember(Value):
    """One server of a Patroni cluster."""

    host: Name = Field(description="The machine it runs on, one of `hosts`.")
    url: Url = Field(description="Its REST API, as https://ADDRESS:8008.")
    name: Plain | None = Field(
        default=None, description="What Patroni calls it; default: its name here."
    )
    address: Plain | None = Field(
        default=None, description="Where PostgreSQL listens; default: that of its url."
    )
    port: Port = Field(default=5432, description="The port PostgreSQL listens at.")
    data_directory: Plain = Field(description="Its data directory on the host.")

    @property
    def listens(self) -> str:
        """The address where PostgreSQL listens."""
        return self.address or urlsplit(self.url).hostname or ""


class Patroni(Served):
    """A Patroni cluster at a site: PostgreSQL servers of which one leads.

    The cluster of the other site is one of its own, with a DCS of its own, that follows this one
    as a standby cluster, or the other way round.
    """

    kind: Literal["patroni"] = Field(description="What it is.")
    scope: Plain = Field(description="The cluster's name, as Patroni's configuration has it.")
    members: dict[Name, PatroniMember] = Field(
        min_length=1, description="All its servers, by name."
    )
    rest: PatroniRest = Field(
        default=PatroniRest(), description="How the REST API is asked for changes."
    )
    slot: Name | None = Field(
        default=None,
        description="The permanent slot here that the other site's cluster takes; default: none.",
    )
    stop_command: tuple[Text, ...] | None = Field(
        default=None,
        description="What ends Patroni on a member's host and keeps it down, word by word.",
    )
    start_command: tuple[Text, ...] | None = Field(
        default=None, description="What starts Patroni on a member's host again, word by word."
    )
    patronictl: tuple[Text, ...] = Field(
        default=("patronictl", "-c", "/etc/patroni/config.yml"),
        min_length=1,
        description="How patronictl is called on a member's host, word by word.",
    )
    fence: tuple[PatroniFencePath, ...] = Field(
        default=("patroni",), description="How each member is fenced, tried in this order."
    )

    @property
    def hosts(self) -> tuple[Name, ...]:
        """The machines its members run on."""
        return tuple(member.host for member in self.members.values())

    def server(self, name: Name) -> Postgresql:
        """One member as the PostgreSQL server that it is; KeyError if there is none."""
        member = self.members[name]
        return Postgresql(
            kind="postgresql",
            host=member.host,
            address=member.listens,
            port=member.port,
            data_directory=member.data_directory,
            fence=tuple(path for path in self.fence if path != "patroni"),
            **{key: getattr(self, key) for key in Served.model_fields},
        )


class Pgbouncer(Value):
    """A PgBouncer that stands before a service's database."""

    kind: Literal["pgbouncer"] = Field(description="What it is.")
    host: Name | None = Field(
        default=None, description="The machine it runs on, for steps that act there."
    )
    address: Plain | None = Field(
        default=None, description="Where it listens; default: the site's address."
    )
    port: Port = Field(default=6432, description="The port it listens at.")
    user: Plain = Field(default="pgbouncer", description="One of its admin_users.")
    password: SecretRef | None = Field(default=None, description="A reference to its password.")
    sslmode: SslMode = Field(
        default="prefer", description="How far TLS is asked for, as libpq has it."
    )
    sslrootcert: Plain | None = Field(default=None, description="The authority to believe.")
    databases: tuple[Plain, ...] = Field(
        min_length=1, description="The service's databases, as its [databases] section has them."
    )

    @property
    def hosts(self) -> tuple[Name, ...]:
        """The machine it runs on, where that is known."""
        return (self.host,) if self.host else ()


System = Annotated[Postgresql | Patroni | Pgbouncer, Field(discriminator="kind")]
