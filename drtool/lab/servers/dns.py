"""DNS as the machine has it: knot or BIND, behind a start that asks the peer first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drtool.lab.layout import ADDRESSES, EAST, LOOPBACK, Address, Make, Ports, write_private
from drtool.lab.servers.kinds import (
    HELD,
    Absent,
    DnsPlace,
    DnsServer,
    module,
    program,
    spelled,
    version_of,
)

# knotd makes every path absolute, and a socket's has at most 107 bytes: so it reaches its
# directory through a descriptor that it is started with.
_KNOT = """\
server:
    rundir: "/proc/self/fd/{held}"
    listen: "{host}@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{directory}"
log:
  - target: stderr
    any: info
key:
  - id: "{key_name}"
    algorithm: hmac-sha256
    secret: "{secret}"
acl:
  - id: drtool
    key: "{key_name}"
    action: [query, update, transfer]
zone:
  - domain: "{zone}"
    storage: "{directory}"
    file: "{zone_file}"
    zonefile-sync: 0
    acl: drtool
"""
_BIND = """\
options {{
    directory "{directory}";
    pid-file "{directory}/pid";
    session-keyfile "{directory}/session.key";
    managed-keys-directory "{directory}";
    listen-on port {port} {{ {host}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
    notify no;
}};
controls {{}};
key "{key_name}" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "{zone}" {{
    type master;
    file "{zone_file}";
    allow-transfer {{ key "{key_name}"; }};
    update-policy {{ grant "{key_name}" zonesub ANY; }};
}};
"""


@dataclass(frozen=True)
class Knot:
    """``knotd``, whose zone file is written with every change."""

    make: Make

    def address(self, site: str, ports: Ports) -> Address:
        """Each site has an address of its own."""
        return ADDRESSES[site], ports.dns

    def command(self, place: DnsPlace) -> list[str]:
        """Write ``knot.conf``; a zone taken from the peer makes the journal void."""
        configuration = _write(_KNOT, place, "knot.conf")
        journal = place.directory / "journal"
        return _returning(place, journal, [self.make.path, "-c", str(configuration)])


@dataclass(frozen=True)
class Bind:
    """``named``, which keeps changes in a journal for minutes before the zone file has them."""

    make: Make
    compilezone: Path

    def address(self, site: str, ports: Ports) -> Address:
        """It serves only addresses that an interface bears, and loopback bears one."""
        return LOOPBACK, ports.dns if site == EAST else ports.dns_beside

    def command(self, place: DnsPlace) -> list[str]:
        """Write ``named.conf``; the journal is merged before serial numbers are compared."""
        configuration = _write(_BIND, place, "named.conf")
        journal = place.zone_file.with_name(place.zone_file.name + ".jnl")
        named = [self.make.path, "-g", "-4", "-n", "1", "-c", str(configuration)]
        return _returning(place, journal, named, "--merge-with", self.compilezone)


def find(wanted: str | None = None) -> DnsServer | Absent:
    """The machine's server of that name; knot or else BIND when it does not matter."""
    if wanted is not None:
        return KINDS[wanted]()
    found = [find_one() for find_one in KINDS.values()]
    there = [one for one in found if not isinstance(one, Absent)]
    return there[0] if there else Absent("neither knot nor BIND is installed", "knot")


def find_knot() -> Knot | Absent:
    """Knot DNS."""
    knotd = program("knotd")
    if knotd is None:
        return Absent("knot is not installed", "knot")
    return Knot(Make("knot", version_of(knotd, "--version"), str(knotd)))


def find_bind() -> Bind | Absent:
    """BIND, and the program of its own that reads its journal."""
    named, compilezone = program("named"), program("named-compilezone")
    if named is None:
        return Absent("BIND is not installed", "bind9")
    if compilezone is None:
        return Absent("named-compilezone is not installed", "bind9-utils")
    return Bind(Make("BIND", version_of(named, "-v"), str(named)), compilezone)


KINDS: dict[str, Callable[[], DnsServer | Absent]] = {"knot": find_knot, "bind": find_bind}


def _write(template: str, place: DnsPlace, name: str) -> Path:
    place.directory.mkdir(mode=0o700, exist_ok=True)
    file = place.directory / name
    text = template.format(
        host=place.address[0],
        port=place.address[1],
        directory=place.directory,
        held=HELD,
        zone=place.zone,
        zone_file=place.zone_file,
        key_name=place.key_name,
        secret=place.key_file.read_text(encoding="ascii").strip(),
    )
    write_private(file, text)
    return file


def _returning(place: DnsPlace, journal: Path, command: list[str], *more: str | Path) -> list[str]:
    return [
        *module(
            "drtool.lab.returning",
            *("--zone", place.zone, "--zone-file", place.zone_file, "--journal", journal),
            *("--peer", spelled(place.peer), "--directory", place.directory),
            *("--key-file", place.key_file, "--key-name", place.key_name, *more),
        ),
        "--",
        *command,
    ]
