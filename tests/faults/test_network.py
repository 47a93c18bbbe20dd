"""F54 and F55: half-open connections, and slow links with loss, for everything that connects.

Real servers stand behind the links; a limit is what the connection promises, and a moment more for
a busy machine.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bad_link import STALL_SECONDS, BadLink, Quality, bad_link
from dns_pair import NAME, DnsPair
from fault_record import Fault
from postgresql_pair import Release, Server, free_port
from power_controller import Controller
from ssh_host import SshHost

from drtool.clock import SystemClock
from drtool.connections.dns import wire
from drtool.connections.dns.question import Place, Route
from drtool.connections.http import HttpReader
from drtool.connections.patroni import leader_of
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.reach import Context
from drtool.connections.redfish import PowerReader
from drtool.connections.secrets import Secrets
from drtool.connections.ssh import SshReader
from drtool.errors import DrtoolError, StepFailed, Unreachable
from drtool.model.inventory import Inventory
from drtool.redact import Redactor

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
MARGIN = 2.5
FIT = Quality()
SLOW = Quality(delay=0.02, loss=0.05)
DREADFUL = Quality(delay=0.9, loss=0.6)


@dataclass
class Line:
    """One kind of connection over a bad link: how it is opened, used, and what it promises."""

    link: BadLink
    open: Callable[[], object]
    use: Callable[[object], object]
    open_limit: float
    use_limit: float
    close: Callable[[object], None] = lambda _: None


class Page(BaseHTTPRequestHandler):
    body = b"all is well" * 20

    def do_GET(self) -> None:
        body = self.body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Member(Page):
    """What a leader's Patroni answers."""

    body = json.dumps(
        {"state": "running", "role": "primary", "patroni": {"scope": "orders", "name": "pg1"}}
    ).encode()


@contextmanager
def served(page: type[Page]) -> Iterator[tuple[str, int]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), page)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield "127.0.0.1", server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def context(**parts: object) -> Context:
    document = {
        "version": 1,
        "services": {"orders": {"preferred": "east"}},
        "sites": {"east": {"address": "127.0.1.1"}},
        **parts,
    }
    inventory = Inventory.model_validate(document)
    return Context(inventory, Secrets(Redactor()), SystemClock(), run="test")


Make = Callable[[Quality], Line]


@pytest.fixture
def postgresql(tmp_path: Path, postgresql_releases: Callable[[str], Release]) -> Iterator[Make]:
    release = postgresql_releases("embedded")
    server = Server("east", tmp_path / "east", free_port(), release.password)
    shutil.copytree(release.template, server.data)
    server.data.chmod(0o700)
    server.start()
    secret = tmp_path / "password"
    secret.write_text(server.password)
    secret.chmod(0o600)
    with ExitStack() as links:

        def make(quality: Quality) -> Line:
            link = links.enter_context(bad_link((server.address, server.port), quality))
            system = {
                "kind": "postgresql", "host": "east_db", "address": link.address,
                "port": link.port, "data_directory": str(server.data), "sslmode": "disable",
                "password": {"secret": f"file:{secret}"},
            }  # fmt: skip
            site = {"address": "127.0.1.1", "systems": {"db": system}}
            known = context(sites={"east": site}, hosts={"east_db": {}})
            return Line(
                link,
                open=lambda: PostgresqlReader.open("east.db", known),
                use=lambda reader: reader.replication(),  # type: ignore[attr-defined]
                open_limit=2.0,
                use_limit=6.2 + 2.0,  # a statement, its cancelling, and one new session
                close=lambda reader: reader.close(),  # type: ignore[attr-defined]
            )

        yield make
    server.stop()


@pytest.fixture
def ssh(ssh_host: SshHost) -> Iterator[Make]:
    with ExitStack() as links:

        def make(quality: Quality) -> Line:
            link = links.enter_context(bad_link((ssh_host.address, ssh_host.port), quality))
            reached = {
                "address": link.address, "port": link.port, "user": "postgres",
                "host_key": ssh_host.host_key, "key_file": str(ssh_host.key_file),
            }  # fmt: skip
            known = context(hosts={"east_db": {"site": "east", "ssh": reached}})
            return Line(
                link,
                open=lambda: SshReader.open("east_db", known),
                use=lambda reader: reader.read_file("/etc/hostname"),  # type: ignore[attr-defined]
                open_limit=2.0 + 3 * 2.0,  # a socket, then banner, handshake and login
                use_limit=2.0 + 5.0,  # a session on it, or the command
                close=lambda reader: reader.close(),  # type: ignore[attr-defined]
            )

        yield make


@pytest.fixture
def dns_over_tcp(both: DnsPair) -> Iterator[Make]:
    with ExitStack() as links:

        def make(quality: Quality) -> Line:
            link = links.enter_context(bad_link(both.listens["east"], quality))
            route = Route(Place("dns server ns_east", link.address, link.port), "tcp", 0.7)
            return Line(link, lambda: None, lambda _: wire.ask(route, NAME, "A"), 0.7, 0.7)

        yield make


@pytest.fixture
def http() -> Iterator[Make]:
    with served(Page) as where, ExitStack() as links:

        def make(quality: Quality) -> Line:
            link = links.enter_context(bad_link(where, quality))
            url = f"http://{link.address}:{link.port}/"
            reader = HttpReader.open("", context())
            return Line(link, lambda: reader, lambda _: reader.get(url, 2.0), 2.0, 2.0)

        yield make


@pytest.fixture
def patroni() -> Iterator[Make]:
    with served(Member) as where, ExitStack() as links:

        def make(quality: Quality) -> Line:
            link = links.enter_context(bad_link(where, quality))
            member = {"host": "pg1", "url": f"http://{link.address}:{link.port}",
                      "data_directory": "/srv/pg"}  # fmt: skip
            system = {"kind": "patroni", "scope": "orders", "members": {"pg1": member}}
            site = {"address": "127.0.1.1", "systems": {"db": system}}
            known = context(sites={"east": site}, hosts={"pg1": {}})
            return Line(link, lambda: None, lambda _: leader_of("east.db", known), 0, 2.0)

        yield make


@pytest.fixture
def redfish(tmp_path: Path, controller: Controller) -> Iterator[Make]:
    secret = tmp_path / "bmc"
    secret.write_text("bmc-password")
    secret.chmod(0o600)
    with ExitStack() as links:

        def make(quality: Quality) -> Line:
            link = links.enter_context(
                bad_link(("127.0.0.1", controller.server.server_port), quality)
            )
            power = {"redfish": f"http://{link.address}:{link.port}", "system": "1",
                     "password": {"secret": f"file:{secret}"}}  # fmt: skip
            known = context(hosts={"east_db": {"site": "east", "power": power}})
            return Line(
                link,
                open=lambda: PowerReader.open("east_db", known),
                use=lambda reader: reader.state(),  # type: ignore[attr-defined]
                open_limit=2.0,
                use_limit=2.0,
                close=lambda reader: reader.close(),  # type: ignore[attr-defined]
            )

        yield make


@pytest.fixture(params=["postgresql", "ssh", "dns_over_tcp", "http", "redfish", "patroni"])
def kind(request: pytest.FixtureRequest) -> Make:
    made: Make = request.getfixturevalue(request.param)
    return made


def timed(call: Callable[[], object]) -> tuple[float, DrtoolError | None]:
    began = time.monotonic()
    try:
        call()
    except DrtoolError as error:
        return time.monotonic() - began, error
    return time.monotonic() - began, None


def clear(error: DrtoolError | None) -> None:
    """An error that names what was reached for and says what happened there."""
    assert isinstance(error, Unreachable | StepFailed), repr(error)
    assert error.subject
    assert len(error.found) > 10, error.line()


def test_f54_a_connection_that_goes_half_open_meets_our_deadline(kind: Make, fault: Fault) -> None:
    line = kind(FIT)
    opened = line.open()
    line.use(opened)
    taken = line.link.taken
    line.link.freeze()
    took, error = timed(lambda: line.use(opened))
    fault.injected(f"{line.link.taken} connections were taken, and not a byte passed since")
    assert line.link.taken >= taken
    clear(error)
    assert took <= line.use_limit + MARGIN
    fault.got(f"after {took:.1f} s: {error and error.line()}")
    line.close(opened)


def test_f54_a_port_that_takes_connections_and_says_nothing_meets_our_deadline(
    kind: Make, fault: Fault
) -> None:
    line = kind(FIT)
    line.link.freeze()
    took, error = timed(lambda: line.use(line.open()))
    assert line.link.taken >= 1
    assert line.link.passed == 0
    fault.injected("the connection was taken, and nothing was ever answered")
    clear(error)
    assert took <= max(line.open_limit, line.use_limit) + MARGIN
    fault.got(f"after {took:.1f} s: {error and error.line()}")


def test_f54_a_server_that_drips_never_outlives_our_deadline(kind: Make, fault: Fault) -> None:
    line = kind(FIT)
    line.link.drip()
    took, error = timed(lambda: line.use(line.open()))
    assert line.link.passed >= 1
    fault.injected(f"{line.link.passed} bytes came, one each third of a second")
    clear(error)
    assert took <= line.open_limit + line.use_limit + MARGIN
    fault.got(f"after {took:.1f} s: {error and error.line()}")


def test_f55_over_a_slow_link_with_some_loss_everything_completes(kind: Make, fault: Fault) -> None:
    line = kind(SLOW)
    began = time.monotonic()
    while not line.link.stalled:
        opened = line.open()
        for _ in range(3):
            line.use(opened)
        line.close(opened)
        assert time.monotonic() - began < 60
    fault.injected(f"{line.link.stalled} pieces were lost and came {STALL_SECONDS} s later")
    fault.got("everything completed")


def test_f55_over_a_dreadful_link_it_completes_or_says_clearly_that_time_was_up(
    kind: Make, fault: Fault
) -> None:
    line = kind(DREADFUL)
    told = []
    for _ in range(3):
        took, error = timed(lambda: line.use(line.open()))
        assert took <= line.open_limit + line.use_limit + MARGIN
        if error is not None:
            clear(error)
        told.append(f"{took:.1f} s: {error.found if error else 'completed'}")
    fault.injected(f"each piece took {line.link.quality.delay} s, {line.link.stalled} were lost")
    fault.got("; ".join(told))


def test_f55_datagrams_that_are_lost_are_asked_for_again_over_tcp(
    both: DnsPair, fault: Fault
) -> None:
    with bad_link(both.listens["east"], Quality(delay=0.01, loss=0.5, seed=3)) as link:
        server = {"site": "east", "address": link.address, "port": link.port}
        hands = both.hands(dns={"servers": {"ns_east": server}})
        from drtool.connections.dns import DnsReader  # noqa: PLC0415 - read with the zone

        reader = hands.reach(DnsReader, "ns_east")
        answered, told = 0, set()
        for _ in range(12):
            took, error = timed(lambda: reader.answer(NAME))
            assert took <= 0.3 + 0.7 + MARGIN
            answered += error is None
            if error is not None:
                clear(error)
                told.add(error.found)
        fault.injected(f"{link.lost} datagrams were lost")
        assert link.lost
        assert answered >= 6
        fault.got(f"{answered} of 12 questions answered; {'; '.join(told) or 'none gave up'}")
