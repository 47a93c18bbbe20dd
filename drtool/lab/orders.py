"""The lab's service: takes orders over HTTP into the database that DNS points to.

``POST /orders`` answers 201 only after the commit, ``GET /orders/ID`` reads an order back,
``DELETE /orders/ID`` takes an order marked as a probe away, ``GET /health`` says whether the
database takes writes. Whatever does not work within a second is answered 503 with a reason.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import psycopg

from drtool.errors import BadInput, DrtoolError
from drtool.lab.database import Database
from drtool.lab.endpoint import Endpoint, parse_address, parse_addresses

SCHEMA = """
create table if not exists orders (
    id uuid primary key,
    item text not null,
    site text not null,
    probe boolean not null default false,
    placed_at timestamptz not null default clock_timestamp()
)
"""
LARGEST_BODY = 65536
IDLE_SECONDS = 60.0
Json = dict[str, object]


@dataclass(frozen=True)
class Order:
    """An order as a customer sends it."""

    id: UUID
    item: str
    probe: bool

    @classmethod
    def parse(cls, body: bytes) -> Order:
        """Read it; raises BadInput."""
        try:
            fields = json.loads(body)
            return cls(UUID(fields["id"]), str(fields["item"]), fields.get("probe") is True)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                "order", f"not an order: {error}", '{"id": UUID, "item": TEXT}'
            ) from error


class Orders:
    """What the service does, without HTTP: a status and a JSON body for each request."""

    def __init__(self, database: Database, site: str) -> None:
        self._database, self._site = database, site

    def place(self, order: Order) -> tuple[int, Json]:
        """Insert the order; one that is there already is left as it is."""

        def insert(connection: psycopg.Connection) -> None:
            connection.execute(
                "insert into orders (id, item, site, probe) values (%s, %s, %s, %s)"
                " on conflict (id) do nothing",
                (order.id, order.item, self._site, order.probe),
            )

        address, _ = self._database.use(insert)
        return 201, self._said(address, id=str(order.id), committed=True)

    def read(self, order: UUID) -> tuple[int, Json]:
        """The order as the database has it."""
        address, row = self._database.use(
            lambda connection: connection.execute(
                "select item, site, probe, placed_at from orders where id = %s", (order,)
            ).fetchone()
        )
        if row is None:
            return 404, self._said(address, id=str(order), reason="no such order")
        item, taken_by, probe, placed = row
        return 200, self._said(
            address,
            id=str(order),
            item=item,
            taken_by=taken_by,
            probe=probe,
            placed_at=placed.isoformat(),
        )

    def remove_probe(self, order: UUID) -> tuple[int, Json]:
        """Delete the order if it is a probe; a customer's order never goes this way."""
        address, gone = self._database.use(
            lambda connection: (
                connection.execute("delete from orders where id = %s and probe", (order,)).rowcount
            )
        )
        if not gone:
            return 404, self._said(address, id=str(order), reason="no such probe")
        return 200, self._said(address, id=str(order), deleted=True)

    def health(self) -> tuple[int, Json]:
        """Whether the database takes writes."""
        address, row = self._database.use(
            lambda connection: connection.execute(
                "select pg_is_in_recovery() or current_setting('transaction_read_only')::bool"
            ).fetchone()
        )
        if row is None or row[0]:
            return 503, self._said(address, reason="the database takes no writes")
        return 200, self._said(address, healthy=True)

    def _said(self, address: str, **fields: object) -> Json:
        return {**fields, "site": self._site, "database": address}


class Handler(BaseHTTPRequestHandler):
    """Turns requests into calls of ``orders``, which a subclass made at start-up carries."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    orders: Orders

    def do_POST(self) -> None:
        """Place an order."""
        self._answer()

    def do_GET(self) -> None:
        """Read an order, or the service's health."""
        self._answer()

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self._answer()

    def do_DELETE(self) -> None:
        """Take a probe away."""
        self._answer()

    def log_message(self, *args: object) -> None:
        """Stay silent; the lab looks at answers, not at logs."""

    def _answer(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST_BODY))
        try:
            status, said = self._route(body)
        except BadInput as error:
            status, said = 400, {"reason": error.line()}
        except DrtoolError as error:
            status, said = 503, {"reason": error.line()}
        content = json.dumps(said).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _route(self, body: bytes) -> tuple[int, Json]:
        head, _, rest = self.path.strip("/").partition("/")
        method = "GET" if self.command == "HEAD" else self.command
        match (method, head, bool(rest)):
            case ("POST", "orders", False):
                return self.orders.place(Order.parse(body))
            case ("GET", "orders", True):
                return self.orders.read(_order_id(rest))
            case ("DELETE", "orders", True):
                return self.orders.remove_probe(_order_id(rest))
            case ("GET", "health", False):
                return self.orders.health()
            case ("GET", "", False):
                return 200, {"service": "orders"}
        return 404, {"reason": f"{self.command} {self.path} is nothing that this service knows"}


def _order_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadInput("order", f"{text!r} is not an id", "a UUID") from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(address: tuple[str, int], orders: Orders) -> ThreadingHTTPServer:
    """A server bound to the address; ``serve_forever`` runs it."""
    handler = type("OrdersHandler", (Handler,), {"orders": orders})
    return _Server(address, handler)


def main(arguments: list[str] | None = None) -> int:
    """Serve until ended; prints ``ready`` once it answers."""
    parser = argparse.ArgumentParser(prog="python -m drtool.lab.orders", description=__doc__)
    parser.add_argument("--bind", required=True, type=parse_address)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--dns", required=True, type=parse_addresses)
    parser.add_argument("--database-port", required=True, type=int)
    parser.add_argument("--database", default="orders")
    parser.add_argument("--user", default="orders")
    parser.add_argument("--password-file", required=True, type=Path)
    parser.add_argument("--site", required=True)
    given = parser.parse_args(arguments)
    try:
        database = Database(
            Endpoint(given.endpoint, given.dns),
            port=given.database_port,
            name=given.database,
            user=given.user,
            password=given.password_file.read_text(encoding="utf-8").strip(),
        )
        server = serve(given.bind, Orders(database, given.site))
    except OSError as error:
        sys.stderr.write(f"orders at {given.site}: {error}\n")
        return 2
    host, port = server.server_address[:2]
    sys.stdout.write(f"ready orders at {given.site} on {host!s}:{port}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
