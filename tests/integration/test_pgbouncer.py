"""A real PgBouncer before a pair of PostgreSQL servers: customers wait, and do not fail."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from driven import drive, facts_of
from postgresql_pair import _AS_USER, Server, free_port, wait_until
from ssh_host import Hosts

from drtool.action import Facts, Hands, Look
from drtool.actions.pgbouncer.pause import Pause, Resume
from drtool.actions.pgbouncer.reload import Reload
from drtool.actions.postgresql.demote import Demote
from drtool.actions.postgresql.promote import Promote
from drtool.clock import SystemClock
from drtool.connections.pgbouncer import PgbouncerReader
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.errors import AccessDenied, Refused, StepFailed, Unreachable
from drtool.model.inventory import Inventory
from drtool.model.place import Place
from drtool.model.purpose import Procedure
from drtool.redact import Redactor


class Bouncer:
    """One PgBouncer, started as a child of the test."""

    def __init__(self, directory: Path, hosts: Hosts) -> None:
        self.directory, self.hosts = directory, hosts
        self.port, self.settings = free_port(), directory / "pgbouncer.ini"
        password = hosts.pair.east.password
        words = [f'"{user}" "{password}"' for user in ("postgres", "admin", "other")]
        (directory / "users").write_text("\n".join(words))
        self.point_to(hosts.pair.east)
        self.start()

    def point_to(self, server: Server) -> None:
        self.settings.write_text(
            "[databases]\n"
            f"orders = host={server.address} port={server.port} dbname=postgres\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.1.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {self.directory / 'users'}\n"
            "admin_users = admin\npool_mode = transaction\nserver_login_retry = 1\n"
            f"logfile = {self.directory / 'pgbouncer.log'}\n"
        )

    def start(self) -> None:
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin") or ""
        words = [*_AS_USER, program, "-q", str(self.settings)]
        self.child = subprocess.Popen(words, start_new_session=True)
        wait_until(self.answers)

    def answers(self) -> bool:
        assert self.child.poll() is None, (self.directory / "pgbouncer.log").read_text()[-2000:]
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self) -> psycopg.Connection:
        """A customer's session."""
        return psycopg.connect(
            host="127.0.1.1", port=self.port, user="postgres", dbname="orders",
            password=self.hosts.pair.east.password, autocommit=True, prepare_threshold=None,
            application_name="shop",
        )  # fmt: skip

    def end(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(timeout=10)

    def connections(self, **changed: object) -> Connections:
        plain = self.hosts.inventory().model_dump(mode="json", exclude_none=True)
        systems = plain["sites"]["east"]["systems"]
        systems["pool"] = {
            "kind": "pgbouncer", "port": self.port, "user": "admin", "sslmode": "disable",
            "password": systems["orders_db"]["password"], "databases": ["orders"], **changed,
        }  # fmt: skip
        inventory = Inventory.model_validate(plain)
        return Connections(Context(inventory, Secrets(Redactor()), SystemClock(), run="test-run"))


@pytest.fixture
def bouncer(tmp_path: Path, hosts: Hosts) -> Iterator[Bouncer]:
    if shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin") is None:
        pytest.skip("apt-get install pgbouncer")
    directory = tmp_path / "bouncer"
    directory.mkdir()
    made = Bouncer(directory, hosts)
    yield made
    made.end()


@pytest.fixture
def connections(bouncer: Bouncer) -> Iterator[Connections]:
    made = bouncer.connections()
    yield made
    made.close()


def at_pool(connections: Connections) -> Facts:
    facts = facts_of(connections.context.inventory, procedure=Procedure.SWITCHOVER)
    return facts.model_copy(update={"at": Place(site="east", system="pool")})


def test_a_pause_waits_for_the_last_transaction_and_names_it(
    bouncer: Bouncer, connections: Connections
) -> None:
    facts, answers = at_pool(connections), []
    with bouncer.connect() as long, bouncer.connect() as next_one:
        long.autocommit = False
        long.execute("SELECT 1")
        with pytest.raises(StepFailed, match=r"orders waits for postgres at 127\.\S+ \(shop\)"):
            drive(Pause(), connections, facts, 1)
        asking = threading.Thread(
            target=lambda: answers.append(next_one.execute("SELECT 42").fetchall()), daemon=True
        )
        asking.start()
        long.commit()
        seen = drive(Pause(), connections, facts, 5)
        assert [(pool.still, pool.busy) for pool in seen.pools] == [(True, ())]
        reader = connections.get(PgbouncerReader, "east.pool")
        wait_until(lambda: reader.state().pools[0].waiting == 1)
        assert answers == []
        drive(Resume(), connections, facts, 5)
        asking.join(5)
        assert answers == [[(42,)]]
    assert Resume().changes(Resume().observe(Look(connections, facts))) == []


def test_a_pause_is_taken_back(bouncer: Bouncer, connections: Connections) -> None:
    facts = at_pool(connections)
    before = Pause().observe(Look(connections, facts))
    drive(Pause(), connections, facts, 5)
    Pause().undo(Hands(connections, facts), before)
    with bouncer.connect() as session:
        assert session.execute("SELECT 1").fetchall() == [(1,)]


def test_a_reload_succeeds_only_when_it_points_there(
    bouncer: Bouncer, connections: Connections
) -> None:
    facts, west = at_pool(connections), bouncer.hosts.pair.west
    reload = Reload(host=west.address, port=west.port)
    with pytest.raises(StepFailed, match=rf"at 127\.0\.1\.1:{west.port} -> at {west.address}"):
        drive(reload, connections, facts, 1)
    bouncer.point_to(west)
    assert drive(reload, connections, facts, 5).pools[0].host == west.address
    with bouncer.connect() as session:
        assert session.execute("SELECT pg_is_in_recovery()").fetchall() == [(True,)]


UNUSABLE: list[tuple[dict[str, object], type[Exception], str]] = [
    ({"user": "other"}, AccessDenied, "not one of its admin_users"),
    ({"user": "nobody"}, AccessDenied, "password refused"),
    ({"port": 1}, Unreachable, "nothing listens"),
]


def test_what_cannot_be_used_is_told(bouncer: Bouncer) -> None:
    for changed, kind, words in UNUSABLE:
        with pytest.raises(kind, match=words):
            bouncer.connections(**changed).get(PgbouncerReader, "east.pool")
    connections = bouncer.connections(databases=["orders", "ordres"])
    with pytest.raises(Refused, match="has no database ordres"):
        drive(Pause(), connections, at_pool(connections), 2)
    connections.close()


class Customer(threading.Thread):
    """Orders one thing after another; remembers the longest wait, and any error."""

    def __init__(self, bouncer: Bouncer) -> None:
        super().__init__(daemon=True)
        self._bouncer, self._over = bouncer, threading.Event()
        self.orders: list[int] = []
        self.longest, self.error = 0.0, ""

    def run(self) -> None:
        try:
            with self._bouncer.connect() as session:
                while not self._over.wait(0.002):
                    number, began = len(self.orders), time.monotonic()
                    session.execute("INSERT INTO orders VALUES (%s)", (number,))
                    self.orders.append(number)
                    self.longest = max(self.longest, time.monotonic() - began)
        except psycopg.Error as error:
            self.error = str(error)

    def leave(self) -> None:
        self._over.set()
        self.join(10)


def test_over_a_switchover_customers_wait_and_none_sees_an_error(
    bouncer: Bouncer, connections: Connections
) -> None:
    pair = bouncer.hosts.pair
    pair.east.sql("CREATE TABLE orders (id int)")
    customers = [Customer(bouncer) for _ in range(3)]
    for customer in customers:
        customer.start()
    wait_until(lambda: all(len(customer.orders) > 5 for customer in customers))
    pool = at_pool(connections)
    at_east = facts_of(connections.context.inventory, "east", procedure=Procedure.SWITCHOVER)
    drive(Pause(), connections, pool, 10)
    proofs = tuple(Demote().proofs(drive(Demote(), connections, at_east), at_east))
    at_west = at_east.model_copy(
        update={"at": Place(site="west", system="orders_db"), "proofs": proofs}
    )
    drive(Promote(), connections, at_west)
    bouncer.point_to(pair.west)
    drive(Reload(host=pair.west.address), connections, pool)
    before = [len(customer.orders) for customer in customers]
    drive(Resume(), connections, pool)
    wait_until(lambda: all(len(c.orders) > n + 5 for c, n in zip(customers, before, strict=True)))
    for customer in customers:
        customer.leave()
    assert [customer.error for customer in customers] == ["", "", ""]
    assert all(customer.longest > 0.01 for customer in customers)
    kept = pair.west.sql("SELECT count(*) FROM orders")[0][0]
    assert kept == sum(len(customer.orders) for customer in customers)
