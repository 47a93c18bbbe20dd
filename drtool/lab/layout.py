"""Where everything of a lab lies, and on which addresses and ports it answers."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from drtool.errors import BadInput

EAST, WEST = "east", "west"
SITES = (EAST, WEST)
ADDRESSES = {EAST: "127.0.1.1", WEST: "127.0.2.1"}
LOOPBACK = "127.0.0.1"
# The variable that marks the lab's processes.
MARK = "DRTOOL_LAB_MARK"
ZONE = "lab.test"
ENDPOINT = "orders.lab.test"
# Below the ports that the kernel lends to clients, so that a broken site's stay free for it.
_FIRST_PORT, _LAST_PORT = 20000, 32000
_TRIES = 2000
Address = tuple[str, int]


@dataclass(frozen=True)
class Ports:
    """One number for each server, the same at both sites.

    ``dns_beside`` is for a DNS server that has to share its address with the other site's.
    """

    postgresql: int
    ssh: int
    dns: int
    dns_beside: int
    orders: int
    power: int
    prefect: int


@dataclass(frozen=True)
class Make:
    """What a server is: its name, its version, and where its program lies."""

    name: str
    version: str
    path: str

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Makes:
    """Whose servers a lab runs, ``embedded`` or ``system``, and what they are."""

    choice: str
    postgresql: Make
    dns: Make
    ssh: Make

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.postgresql}, {self.dns}, {self.ssh}"


@dataclass(frozen=True)
class Identity:
    """What a lab is: its ports, the mark that its processes bear, its servers.

    ``dns`` is where each site's DNS server listens, ``ssh_user`` who may log in.
    """

    ports: Ports
    mark: str
    makes: Makes
    dns: dict[str, Address]
    ssh_user: str

    @classmethod
    def parse(cls, text: str) -> Identity:
        """As ``lab.json`` has it; raises ValueError, KeyError or TypeError."""
        told = json.loads(text)
        makes = {kind: Make(**told["makes"][kind]) for kind in ("postgresql", "dns", "ssh")}
        return cls(
            ports=Ports(**told["ports"]),
            mark=told["mark"],
            makes=Makes(choice=told["makes"]["choice"], **makes),
            dns={site: (host, port) for site, (host, port) in told["dns"].items()},
            ssh_user=told["ssh_user"],
        )


class Layout:
    """The paths of the lab that lives in ``home``."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def identity_file(self) -> Path:
        """Ports and mark; it is there as long as the lab is."""
        return self.home / "lab.json"

    @property
    def processes_file(self) -> Path:
        """The processes that ``up`` started."""
        return self.home / "processes.json"

    @property
    def inventory(self) -> Path:
        """The inventory that runs are given."""
        return self.home / "inventory.yaml"

    @property
    def secrets(self) -> Path:
        """The directory of keys and passwords."""
        return self.home / "secrets"

    @property
    def logs(self) -> Path:
        """The directory of the logs of what belongs to no site."""
        return self.home / "logs"

    @property
    def prefect(self) -> Path:
        """The Prefect server's home."""
        return self.home / "prefect"

    @property
    def ca(self) -> Path:
        """The certificate of the authority that signed the power controllers'."""
        return self.secrets / "ca.pem"

    @property
    def ssh_key(self) -> Path:
        """The key that opens both SSH servers."""
        return self.secrets / "ssh_ed25519"

    @property
    def people(self) -> Path:
        """The directory of people's keys; it is there only where the lab has people."""
        return self.home / "people"

    def secret(self, name: str) -> Path:
        """The file of a named secret."""
        return self.secrets / name

    def site(self, name: str) -> SitePaths:
        """The paths of a site."""
        if name not in SITES:
            raise BadInput(f"site {name}", "is not in the lab", " or ".join(SITES))
        return SitePaths(self.home / name)

    def controller(self, site: str) -> Path:
        """The directory of a site's power controller, which is no part of the site."""
        return self.home / f"{site}_power"

    def write_identity(self, identity: Identity) -> None:
        """Put down what the lab is."""
        write_private(self.identity_file, json.dumps(asdict(identity)))

    def identity(self) -> Identity:
        """What the lab is; raises BadInput when there is none, or another release's."""
        try:
            return Identity.parse(self.identity_file.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadInput("lab", f"there is none in {self.home}", hint="drtool lab up") from error
        except (ValueError, KeyError, TypeError) as error:
            found = f"the one in {self.home} was brought up by another release"
            raise BadInput("lab", found, hint="drtool lab down") from error


@dataclass(frozen=True)
class SitePaths:
    """The paths of one site, all below ``root``."""

    root: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.root / "data"

    @property
    def release(self) -> Path:
        """The file that lets the boot guard start a primary once."""
        return self.root / "drtool.release"

    @property
    def bin(self) -> Path:
        """PostgreSQL's programs, each run as the user that PostgreSQL wants."""
        return self.root / "bin"

    @property
    def configuration(self) -> Path:
        """The supervisor's list of what to run."""
        return self.root / "site.json"

    @property
    def host_key(self) -> Path:
        """The SSH server's host key."""
        return self.root / "ssh_host_ed25519"

    @property
    def zone_file(self) -> Path:
        """The DNS server's zone."""
        return self.root / "zone"

    @property
    def logs(self) -> Path:
        """The directory of the site's logs."""
        return self.root / "logs"


def default_home() -> Path:
    """Where the lab lives: ``DRTOOL_LAB_HOME``, or below the user's state directory."""
    told = os.environ.get("DRTOOL_LAB_HOME")
    if told:
        return Path(told).expanduser().absolute()
    import platformdirs  # noqa: PLC0415 - the servers of the lab do not need it

    return Path(platformdirs.user_state_dir("drtool")) / "lab"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can ever read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def choose_ports(seed: int) -> Ports:
    """Ports that are free now on all addresses of the lab."""
    held: list[socket.socket] = []
    found: list[int] = []
    candidate = _FIRST_PORT + seed % (_LAST_PORT - _FIRST_PORT)
    try:
        for _ in range(_TRIES):
            taken = _hold(candidate)
            held += taken
            if taken:
                found.append(candidate)
            if len(found) == len(Ports.__dataclass_fields__):
                return Ports(*found)
            candidate = candidate + 1 if candidate < _LAST_PORT else _FIRST_PORT
    finally:
        for sock in held:
            sock.close()
    raise BadInput("lab", "found no free ports", f"some between {_FIRST_PORT} and {_LAST_PORT}")


def _hold(port: int) -> list[socket.socket]:
    """Sockets bound to the port on every address of the lab; none when it is taken somewhere."""
    held: list[socket.socket] = []
    for address in (LOOPBACK, *ADDRESSES.values()):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            sock = socket.socket(socket.AF_INET, kind)
            held.append(sock)
            try:
                sock.bind((address, port))
            except OSError:
                for one in held:
                    one.close()
                return []
    return held
