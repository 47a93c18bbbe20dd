"""Two real DNS servers for tests, one per site, and the means to act on them."""

from __future__ import annotations

import base64
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest
from machine_servers import needed

from drtool.action import Facts, Hands, Look, StateAction
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.errors import Refused
from drtool.lab.layout import Ports
from drtool.lab.nameserver import Listeners, NameServer
from drtool.lab.servers import embedded
from drtool.lab.servers.dns import KINDS
from drtool.lab.servers.kinds import DnsPlace, DnsServer
from drtool.lab.zone import Zone
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.purpose import Mode, Procedure
from drtool.redact import Redactor

ADDRESSES = {"east": "127.0.1.1", "west": "127.0.2.1"}
NAME = "orders.lab.test"
ZONE = """\
lab.test. 60 IN SOA ns1.lab.test. admin.lab.test. 1 60 60 3600 5
lab.test. 60 IN NS ns1.lab.test.
ns1.lab.test. 60 IN A 127.0.1.1
orders.lab.test. 5 IN A 127.0.1.1
"""


class ScriptedServer(NameServer):
    """The lab's server with a lie or a fault; ``updates`` counts the updates that came.

    ``alias`` is what it answers in an address's place; without ``authority`` it claims none.
    """

    def __init__(self, zone: Zone, key: dns.tsig.Key) -> None:
        super().__init__(zone, key)
        self.says_noerror_and_keeps = False
        self.alias, self.authority = "", True
        self.replies_to_lose = 0
        self.updates = 0
        self.lost = 0

    def update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        self.updates += 1
        return dns.rcode.NOERROR if self.says_noerror_and_keeps else super().update(message)

    def reply(self, wire: bytes, *, tcp: bool) -> bytes | None:
        before = self.updates
        answer = super().reply(wire, tcp=tcp)
        if self.updates > before and self.replies_to_lose:
            self.replies_to_lose -= 1
            self.lost += 1
            return None
        return answer

    def _answer(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        super()._answer(response, question)
        if self.alias and question.name == dns.name.from_text(NAME):
            response.answer = [dns.rrset.from_text(question.name, 5, "IN", "CNAME", self.alias)]
        if not self.authority:
            response.flags &= ~dns.flags.AA


class DnsPair:
    """The zone at two sites; each server is a thread of the test or, to be frozen, a child."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.secret = base64.b64encode(os.urandom(32)).decode()
        self.key_file = directory / "tsig"
        self.key_file.write_text(self.secret + "\n")
        self.key_file.chmod(0o600)
        self.port = free_port()
        self.servers: dict[str, ScriptedServer] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.use(needed(embedded.find_dns()))
        self._listeners: dict[str, Listeners] = {}
        self._connections: list[Connections] = []

    def use(self, make: DnsServer) -> None:
        """Have the children be of that make."""
        ports = Ports(
            dns=self.port, dns_beside=free_port(), postgresql=0, ssh=0, orders=0, power=0, prefect=0
        )
        self.make = make
        self.listens = {site: make.address(site, ports) for site in ADDRESSES}

    def zone_file(self, site: str) -> Path:
        path = self.directory / f"{site}.zone"
        if not path.exists():
            path.write_text(ZONE)
        return path

    def start(self, site: str) -> ScriptedServer:
        listeners = Listeners((ADDRESSES[site], self.port))
        zone = Zone.read("lab.test", self.zone_file(site))
        server = ScriptedServer(zone, dns.tsig.Key("drtool", self.secret, "hmac-sha256"))
        listeners.start(server)
        self.servers[site], self._listeners[site] = server, listeners
        return server

    def stop(self, site: str) -> None:
        self._listeners.pop(site).close()
        del self.servers[site]

    def start_child(self, site: str) -> None:
        """Start a site's server and wait for its first answer, whatever it is."""
        log = self.directory / f"{site}.log"
        place = DnsPlace(
            zone="lab.test",
            zone_file=self.zone_file(site),
            address=self.listens[site],
            peer=self.listens["west" if site == "east" else "east"],
            key_name="drtool",
            key_file=self.key_file,
            directory=self.directory / f"{site}_dns",
        )
        with log.open("ab") as said:
            child = subprocess.Popen(self.make.command(place), stdout=said, stderr=said)
        self.children[site] = child
        until = time.monotonic() + 10
        while not self.answers(site):
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.01)

    def answers(self, site: str) -> bool:
        """Whether the site's server speaks for the zone."""
        host, port = self.listens[site]
        query = dns.message.make_query("lab.test", "SOA")
        try:
            answer = dns.query.tcp(query, host, timeout=1, port=port)
        except (OSError, EOFError, dns.exception.DNSException):
            return False
        return bool(answer.answer)

    def freeze(self, site: str) -> None:
        os.kill(self.children[site].pid, signal.SIGSTOP)

    def thaw(self, site: str) -> None:
        os.kill(self.children[site].pid, signal.SIGCONT)

    def kill_child(self, site: str) -> None:
        child = self.children.pop(site)
        child.kill()
        child.wait()

    def set_values(self, site: str, *values: str, ttl: int = 5) -> None:
        """Change a server's zone behind everybody's back."""
        records = self.servers[site].zone.records
        with records.writer() as writer:
            if values:
                rdatas = [dns.rdata.from_text("IN", "A", value) for value in values]
                rdataset = dns.rdataset.from_rdata_list(ttl, rdatas)
                writer.replace(dns.name.from_text(NAME), rdataset)
            else:
                writer.delete(dns.name.from_text(NAME), dns.rdatatype.A)

    def asked(self, site: str, name: str = NAME) -> tuple[list[str], int | None]:
        """What a server answers to one who does not use drtool."""
        query = dns.message.make_query(name, "A")
        host, port = self.listens[site]
        answer = dns.query.udp(query, host, timeout=5, port=port)
        values = [str(value) for rrset in answer.answer for value in rrset]
        return values, answer.answer[0].ttl if answer.answer else None

    def inventory(self, **changes: Any) -> Inventory:
        dns_part = {
            "zone": "lab.test",
            "min_servers": 1,
            "key": {"secret": f"file:{self.key_file}"},
            "servers": {
                f"ns_{site}": {"site": site, "address": host, "port": port}
                for site, (host, port) in self.listens.items()
            },
            **changes.pop("dns", {}),
        }
        return Inventory.model_validate(
            {
                "version": 1,
                "services": {
                    "orders": {
                        "endpoint": NAME,
                        "url": changes.pop("url", f"http://{NAME}:8080"),
                        "preferred": "east",
                    }
                },
                "sites": {site: {"address": address} for site, address in ADDRESSES.items()},
                "dns": dns_part,
                **changes,
            }
        )

    def facts(self, mode: Mode = Mode.LIVE, **changes: Any) -> Facts:
        return Facts(
            run="20261123-051401-7f3a",
            step="redirect",
            mode=mode,
            procedure=Procedure.FAILOVER,
            service="orders",
            inventory=self.inventory(**changes),
            direction=Direction(from_site="east", to_site="west"),
            started=datetime.now(UTC),
        )

    def connections(self, facts: Facts) -> Connections:
        secrets = Secrets(Redactor(), self.directory)
        connections = Connections(Context(facts.inventory, secrets, SystemClock(), run=facts.run))
        self._connections.append(connections)
        return connections

    def hands(self, **changes: Any) -> Hands:
        facts = self.facts(**changes)
        return Hands(self.connections(facts), facts)

    def look(self, **changes: Any) -> Look:
        facts = self.facts(mode=Mode.DRY_RUN, **changes)
        return Look(self.connections(facts), facts)

    def close(self) -> None:
        for connections in self._connections:
            connections.close()
        for site in list(self._listeners):
            self.stop(site)
        for site in list(self.children):
            self.kill_child(site)


def carry_out(action: StateAction[Any], hands: Hands) -> Any:
    """One round as the engine makes it: observe, guard, apply; then what is seen afterwards."""
    seen = action.observe(hands)
    changes = action.changes(seen)
    if changes and action.reason_to_wait(seen) is None:
        reason = action.reason_not_to_apply(seen, hands.facts)
        if reason:
            raise Refused("step", reason)
        action.apply(hands, changes)
        seen = action.observe(hands)
    return seen


def free_port() -> int:
    """A port that is free on every address, below those that the kernel gives to clients."""
    while True:
        port = random.randrange(20000, 32000)
        with (
            socket.socket() as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            suppress(OSError),
        ):
            tcp.bind(("", port))
            udp.bind(("", port))
            return port


class Silence:
    """A port that takes datagrams and connections, and never says a word."""

    def __init__(self, address: str, port: int) -> None:
        self.datagrams, self.where = 0, (address, port)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, port))
        self._tcp = socket.socket()
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind((address, port))
        self._tcp.listen()
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _count(self) -> None:
        while self._udp.recv(4096) != b"end":
            self.datagrams += 1

    def close(self) -> None:
        self._udp.sendto(b"end", self._udp.getsockname())
        self._thread.join()
        self._udp.close()
        self._tcp.close()


@pytest.fixture
def dns_pair(tmp_path: Path) -> Iterator[DnsPair]:
    pair = DnsPair(tmp_path)
    yield pair
    pair.close()


@pytest.fixture
def both(dns_pair: DnsPair) -> DnsPair:
    dns_pair.start("east")
    dns_pair.start("west")
    return dns_pair


@pytest.fixture(params=["embedded", *KINDS])
def makes(request: pytest.FixtureRequest, dns_pair: DnsPair) -> DnsPair:
    """The pair, whose children are of another make each time; none runs yet."""
    if request.param in KINDS:
        dns_pair.use(needed(KINDS[request.param]()))
    return dns_pair
