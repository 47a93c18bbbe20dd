from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from drtool.clock import SystemClock
from drtool.connections.postgresql import PostgresqlSession
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.errors import LeaseHeld, Unreachable
from drtool.lease import postgresql as leasing
from drtool.lease.postgresql import lock_key, session_name, take_postgresql
from drtool.model.inventory import Inventory
from drtool.model.replication import Holder
from drtool.redact import Redactor


class Server:
    """One lock, and the session that has it."""

    def __init__(self) -> None:
        self.owner: Session | None = None
        self.sessions: list[Session] = []
        self.faster: Session | None = None
        self.clings = False


class Session(PostgresqlSession):
    def __init__(self, server: Server, target: str) -> None:
        self.server, self.target = server, target
        self.name, self.over = "", False
        server.sessions.append(self)
        self.number = len(server.sessions)

    def _answer(self) -> None:
        if self.over:
            raise Unreachable(f"postgresql {self.target}", "the session ended")

    def try_lock(self, key: int) -> bool:
        assert self.name
        assert key == lock_key("orders")
        if self.server.owner is None:
            self.server.owner = self
        return self.server.owner is self

    @contextmanager
    def asked_whether_it_holds(self, key: int) -> Iterator[Callable[[], bool]]:
        self._answer()
        yield lambda: self.server.owner is self and key == lock_key("orders")

    def who_holds(self, key: int) -> Holder | None:
        assert key == lock_key("orders")
        owner = self.server.owner
        since = datetime(2026, 11, 23, 5, 14, 1, tzinfo=UTC)
        return Holder(pid=owner.number, application_name=owner.name, since=since) if owner else None

    def end_holder(self, key: int, holder: Holder) -> bool:
        assert key == lock_key("orders")
        owner = self.server.owner
        if owner is None or owner.number != holder.pid or self.server.clings:
            return False
        owner.over, self.server.owner = True, self.server.faster
        return True

    def token(self) -> str:
        self._answer()
        return f"2026112305140{self.number}"

    def set_name(self, text: str) -> None:
        self.name = text

    def close(self) -> None:
        self.over = True
        if self.server.owner is self:
            self.server.owner = None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()

    def open_session(_: type[PostgresqlSession], target: str, __: Context) -> Session:
        return Session(server, target)

    monkeypatch.setattr(PostgresqlSession, "open", classmethod(open_session))
    return server


@pytest.fixture
def context() -> Context:
    inventory = Inventory(version=1, services={}, sites={})
    return Context(inventory, Secrets(Redactor()), SystemClock())


def test_the_key_is_the_same_everywhere_and_fits_a_bigint() -> None:
    assert lock_key("orders") == 2156043510025372812
    assert lock_key("orders") != lock_key("orders2")
    assert all(0 <= lock_key(f"s{number}") < 1 << 63 for number in range(1000))


def test_the_run_stays_in_a_name_that_is_cut() -> None:
    name = session_name("väry long name of a person " * 3, "20261123-051401-7f3a")
    assert name.startswith("drtool:v?ry long")
    assert name.endswith(":20261123-051401-7f3a")
    assert len(name.encode()) == 63


def test_the_holder_is_named(server: Server, context: Context) -> None:
    lease = take_postgresql("orders", "west.db", context, "ann@desk:7", "20261123-051401-7f3a")
    lease.check()
    with pytest.raises(LeaseHeld) as raised:
        take_postgresql("orders", "west.db", context, "ben", "20261123-051402-0000")
    assert raised.value.text() == (
        "lease of orders: held by ann@desk:7, run 20261123-051401-7f3a, since 2026-11-23 05:14:01 "
        "UTC, pid 1 (at postgresql west.db); expected nobody else acting on the service\n"
        "  hint: on that machine: drtool attach 20261123-051401-7f3a, or drtool abort "
        "20261123-051401-7f3a; if that machine is dead its lock ends within 15 s; one that is "
        "stopped or hangs keeps it; to act all the same, add: --take-over --reason 'why its "
        "holder must not act'"
    )
    assert [session.over for session in server.sessions] == [False, True]
    lease.release()
    other = take_postgresql("orders", "west.db", context, "ben", "20261123-051402-0000")
    assert other.token > lease.token
    assert other.session is server.owner


def test_a_stranger_with_the_lock_is_named(server: Server, context: Context) -> None:
    server.owner = Session(server, "west.db")
    server.owner.name = "psql"
    with pytest.raises(LeaseHeld, match="held by psql, since"):
        take_postgresql("orders", "west.db", context, "ben", "run")


def test_a_lost_session_or_lock_is_a_lost_lease(server: Server, context: Context) -> None:
    lease = take_postgresql("orders", "west.db", context, "ann", "run-1")
    server.owner = None
    with pytest.raises(LeaseHeld, match="no longer has the lock"):
        lease.check()
    server.sessions[0].over = True
    with pytest.raises(LeaseHeld, match="the session ended"):
        lease.check()


def test_by_force_that_session_is_ended_and_no_other(server: Server, context: Context) -> None:
    lease = take_postgresql("orders", "west.db", context, "ann", "20261123-051401-7f3a")
    taken = take_postgresql("orders", "west.db", context, "ben", "run-2", by_force=True)
    assert taken.over == "ann, run 20261123-051401-7f3a, since 2026-11-23 05:14:01 UTC"
    assert taken.token > lease.token
    with pytest.raises(LeaseHeld, match="the session ended"):
        lease.check()
    taken.check()
    taken.release()
    assert take_postgresql("orders", "west.db", context, "eve", "3", by_force=True).over == ""


def test_by_force_one_who_was_faster_keeps_it(server: Server, context: Context) -> None:
    take_postgresql("orders", "west.db", context, "ann", "run-1")
    server.faster = Session(server, "west.db")
    server.faster.name = session_name("eve", "run-3")
    with pytest.raises(LeaseHeld, match="held by eve, run run-3"):
        take_postgresql("orders", "west.db", context, "ben", "run-2", by_force=True)
    assert not server.faster.over


def test_by_force_a_strangers_session_is_left_alone(server: Server, context: Context) -> None:
    server.owner = stranger = Session(server, "west.db")
    stranger.name = "psql"
    with pytest.raises(LeaseHeld, match="held by psql"):
        take_postgresql("orders", "west.db", context, "ben", "run-2", by_force=True)
    assert not stranger.over


def test_a_session_that_does_not_end_is_still_its_holders(
    server: Server, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leasing, "END_SECONDS", 0.05)
    take_postgresql("orders", "west.db", context, "ann", "run-1")
    server.clings = True
    with pytest.raises(LeaseHeld, match="held by ann"):
        take_postgresql("orders", "west.db", context, "ben", "run-2", by_force=True)
