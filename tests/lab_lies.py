"""Parts of a lab that lie: each takes the place of an honest one and says what is not so."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dns.rcode
import dns.update
from lab_runs import ADDRESS, EAST, WEST, Document, PracticeLab, wait_until

from drtool.lab import postgresql
from drtool.lab.controller import Handler, Redfish, _Server
from drtool.lab.documents import KEY_NAME
from drtool.lab.layout import ZONE
from drtool.lab.listening import takes_connections
from drtool.lab.machine import RestorePolicy
from drtool.lab.nameserver import Listeners, NameServer, read_key
from drtool.lab.zone import Zone


class NoMachine:
    """What stands behind a controller that switches nothing."""

    def __init__(self) -> None:
        self.on, self.policy, self.asked = True, RestorePolicy.LAST_STATE, 0

    def force_off(self) -> None:
        self.on, self.asked = False, self.asked + 1

    def press_on(self) -> str:
        self.on = True
        return ""


@contextlib.contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def lying_controller(lab: PracticeLab) -> Iterator[tuple[NoMachine, int]]:
    """East's controller on another port: it says Off, and every process runs on."""
    machine = NoMachine()
    directory = lab.layout.controller(EAST)
    password = lab.layout.secret("east_power.password").read_text(encoding="utf-8").strip()
    redfish = Redfish("east_db", machine)  # type: ignore[arg-type]
    credentials = f"drtool:{password}".encode()
    handler = type("Lying", (Handler,), {"redfish": redfish, "credentials": credentials})
    server = _Server((ADDRESS[EAST], 0), handler)
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(directory / "certificate.pem", directory / "key.pem")
    with served(server):
        yield machine, int(server.server_address[1])


class Unchanging(NameServer):
    """Says NOERROR to every update and changes nothing."""

    def update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        del message
        return dns.rcode.NOERROR


@contextlib.contextmanager
def unchanging_dns(lab: PracticeLab, site: str) -> Iterator[None]:
    """In the place of a site's DNS server."""
    lab.service(site, "stop", "dns")
    key = read_key(KEY_NAME, lab.layout.secret("tsig"))
    zone = Zone.read(ZONE, lab.layout.site(site).zone_file)
    listeners = Listeners((ADDRESS[site], lab.ports.dns))
    listeners.start(Unchanging(zone, key))
    try:
        yield
    finally:
        listeners.close()


class _Forward(socketserver.BaseRequestHandler):
    to: tuple[str, int]

    def handle(self) -> None:
        with contextlib.suppress(OSError), socket.create_connection(self.to, 2) as onward:
            back = threading.Thread(target=_pass_on, args=(onward, self.request), daemon=True)
            back.start()
            _pass_on(self.request, onward)
            back.join(2)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class _Forwarder(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def orders_sent_back(lab: PracticeLab) -> Iterator[None]:
    """West's orders port leads to the service of east, as a forgotten balancer would."""
    lab.service(WEST, "stop", "orders")
    handler = type("Back", (_Forward,), {"to": (ADDRESS[EAST], lab.ports.orders)})
    with served(_Forwarder((ADDRESS[WEST], lab.ports.orders), handler)):
        yield


class Cache(BaseHTTPRequestHandler):
    """Answers every request from what it once saw."""

    protocol_version = "HTTP/1.1"
    known = b'{"id": "0b5a1f0e-0000-4000-8000-000000000001", "item": "cup", "committed": true}'

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(201)

    def do_GET(self) -> None:
        self._answer(200)

    def do_DELETE(self) -> None:
        self._answer(200)

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(self.known)))
        self.end_headers()
        self.wfile.write(self.known)


class Echo(Cache):
    """Remembers the last order, gives it back, and commits nothing."""

    def do_POST(self) -> None:
        Echo.known = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(201)


class WithError(Echo):
    """Answers 200 with the order's own id, and an error in the body."""

    def _answer(self, status: int) -> None:
        order = json.loads(Echo.known)
        self.known = json.dumps({"id": order["id"], "error": "the database is read only"}).encode()
        super()._answer(200)


class Hasty(Echo):
    """Acknowledges and shows an order, and loses it when it should be committed."""

    committed = True

    def do_POST(self) -> None:
        Hasty.committed = True
        super().do_POST()

    def do_GET(self) -> None:
        self._answer(200 if Hasty.committed else 404)

    def do_DELETE(self) -> None:
        Hasty.committed = False
        self._answer(404)


class _CacheServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def orders_from_memory(lab: PracticeLab, answers: type[Cache]) -> Iterator[None]:
    """West's orders port answers well and writes nothing."""
    lab.service(WEST, "stop", "orders")
    with served(_CacheServer((ADDRESS[WEST], lab.ports.orders), answers)):
        yield


def disk_full(lab: PracticeLab) -> None:
    """Whoever is the primary takes no row of a probe any more, as with a full disk."""
    lab.sql(
        EAST,
        "create table drtool.write_probe (mark text primary key, written_at timestamptz);"
        "create function drtool.no_space() returns trigger language plpgsql as"
        " $$ begin raise disk_full using message = 'No space left on device'; end $$;"
        "create trigger no_space before insert on drtool.write_probe"
        " execute function drtool.no_space()",
    )
    lab.caught_up(EAST)


def power_only(port: int) -> Any:
    """An inventory in which east is fenced by a controller at another port, and no other way."""

    def change(document: Document) -> None:
        document["hosts"]["east_db"]["power"]["redfish"] = f"https://{ADDRESS[EAST]}:{port}"
        document["sites"][EAST]["systems"]["orders_db"]["fence"] = ["power"]

    return change


def say_instead(lab: PracticeLab, signature: str, returns: str, value: str) -> None:
    """Have a function of the cluster's own say something else, on both sides."""
    statement = (
        f"create or replace function pg_catalog.{signature} returns {returns}"
        f" language sql as 'select {value}'"
    )
    lab.sql(EAST, f"set allow_system_table_mods = on; {statement}")
    lab.caught_up(EAST)


def another_cluster_at_west(lab: PracticeLab) -> str:
    """West's data directory becomes that of another cluster, a standby; its identifier."""
    paths = lab.layout.site(WEST)
    lab.service(WEST, "stop", "postgresql")
    shutil.rmtree(paths.data)
    postgresql.create_primary(paths, lab.layout.secret("drtool.password"))
    paths.release.touch()
    lab.service(WEST, "start", "postgresql")
    passwords = {user: lab.password(user) for user in ("drtool", "replicator", "orders")}
    identifier = postgresql.fill_primary(ADDRESS[WEST], lab.ports.postgresql, passwords)
    lab.service(WEST, "stop", "postgresql")
    (paths.data / "standby.signal").touch()
    lab.service(WEST, "start", "postgresql")
    wait_until(lambda: takes_connections(ADDRESS[WEST], lab.ports.postgresql))
    return identifier
