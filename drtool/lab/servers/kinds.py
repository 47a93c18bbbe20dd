"""What the lab wants of each kind of server, whoever makes it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drtool.lab.layout import Address, Make, Ports

# The descriptor through which a DNS server reaches its directory.
HELD = 9
# Servers lie where an ordinary user's PATH does not lead.
_PLACES = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_VERSION_SECONDS = 10.0


@dataclass(frozen=True)
class Absent:
    """A server that cannot be had: what is wrong, and the package that would bring it."""

    what: str
    package: str = ""

    def __str__(self) -> str:
        """What is wrong, as messages say it."""
        return f"{self.what} (package {self.package})" if self.package else self.what


@dataclass(frozen=True)
class PostgresqlServer:
    """PostgreSQL: the directory of all its programs."""

    make: Make
    programs: Path


@dataclass(frozen=True)
class DnsPlace:
    """What a site's DNS server serves, and which peer it asks for a newer zone on its return."""

    zone: str
    zone_file: Path
    address: Address
    peer: Address
    key_name: str
    key_file: Path
    directory: Path


class DnsServer(Protocol):
    """An authoritative DNS server that takes signed updates."""

    @property
    def make(self) -> Make:
        """What it is."""

    def address(self, site: str, ports: Ports) -> Address:
        """Where the site's server listens."""

    def command(self, place: DnsPlace) -> list[str]:
        """Write down what the server reads; gives the command that runs it."""


@dataclass(frozen=True)
class SshPlace:
    """What a site's SSH server is told; ``path`` and ``mark`` are its sessions' environment."""

    address: Address
    host_key: Path
    authorized_keys: Path
    directory: Path
    path: str
    mark: tuple[str, str]


class SshServer(Protocol):
    """An SSH server that lets in one user, by key."""

    @property
    def make(self) -> Make:
        """What it is."""

    @property
    def user(self) -> str:
        """Who may log in."""

    def command(self, place: SshPlace) -> list[str]:
        """Write down what the server reads; gives the command that runs it."""


def module(name: str, *words: str | int | Path) -> list[str]:
    """The command that runs one of our own modules."""
    return [sys.executable, "-m", name, *(str(word) for word in words)]


def spelled(address: Address) -> str:
    """An address as our own programs read it."""
    return f"{address[0]}:{address[1]}"


def program(name: str) -> Path | None:
    """Where a program of the machine's lies; None when it is not installed."""
    found = shutil.which(name, path=_PLACES)
    return Path(found) if found else None


def version_of(program: Path, *words: str, pattern: str = r"\d+(?:\.\d+)+") -> str:
    """The version that a program tells of itself; empty when it tells none."""
    said = subprocess.run(
        [str(program), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_VERSION_SECONDS,
        check=False,
    )
    found = re.search(pattern, said.stdout + said.stderr)
    return found[0] if found else ""
