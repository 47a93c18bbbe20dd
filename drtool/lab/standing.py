"""What a lab says of itself, as values: addresses, files, process ids and states."""

from __future__ import annotations

from typing import Literal

from drtool.lab.layout import Makes
from drtool.model.value import Value


class PostgresqlStatus(Value):
    """A site's PostgreSQL server: where it is, and what it says of itself."""

    address: str
    port: int
    database: str
    users: dict[str, str]
    data_directory: str
    bin_directory: str
    log: str
    slot: str
    state: Literal["primary", "standby", "held back", "stopped", "no answer"]
    note: str = ""
    pid: int | None = None
    timeline: int | None = None
    position: str | None = None
    system_identifier: str | None = None
    followed_by: str = ""
    follows: str = ""
    orders: int | None = None


class SshStatus(Value):
    """A site's SSH server."""

    address: str
    port: int
    user: str
    key_file: str
    host_key: str
    pid: int | None
    answers: bool


class DnsStatus(Value):
    """A site's DNS server, and where it says that the service is."""

    address: str
    port: int
    pid: int | None
    answers: bool
    endpoint_address: str | None
    note: str = ""


class OrdersStatus(Value):
    """A site's web service."""

    url: str
    pid: int | None
    answers: bool


class PowerStatus(Value):
    """A site's power controller and what it says of the machine."""

    redfish: str
    system: str
    user: str
    password_file: str
    ca_file: str
    pid: int | None
    answers: bool
    mains: bool | None = None
    on: bool | None = None
    restore_policy: str | None = None


class SiteStatus(Value):
    """One site."""

    address: str
    host: str
    postgresql: PostgresqlStatus
    ssh: SshStatus
    dns: DnsStatus
    orders: OrdersStatus
    power: PowerStatus


class ZoneStatus(Value):
    """The zone and the key that signs its updates."""

    zone: str
    endpoint: str
    key_name: str
    algorithm: str
    key_file: str


class PrefectStatus(Value):
    """The Prefect server; ``auth_file`` holds ``user:password``."""

    api_url: str
    ui_url: str
    auth_file: str
    pid: int | None
    answers: bool


class LabStatus(Value):
    """The whole lab."""

    up: bool
    home: str
    inventory: str = ""
    runbook: str = ""
    logs: str = ""
    servers: Makes | None = None
    service: str = ""
    url: str = ""
    primaries: tuple[str, ...] = ()
    sites: dict[str, SiteStatus] = {}
    dns: ZoneStatus | None = None
    prefect: PrefectStatus | None = None
    heartbeat_pid: int | None = None
    drtool_home: str = ""
    journal: str = ""
