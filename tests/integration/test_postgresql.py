"""Typed reads and writes against real PostgreSQL servers."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from postgresql_pair import Pair, both_releases, wait_until

from drtool.clock import SystemClock
from drtool.connections.postgresql import PostgresqlReader, PostgresqlSession, wire
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.errors import AccessDenied, BadInput, DrtoolError, StepFailed, Unreachable
from drtool.model.inventory import Inventory
from drtool.redact import Redactor
from drtool.safety.managers import reason_managed_elsewhere

EAST, WEST = "east.orders_db", "west.orders_db"


@both_releases
def test_both_roles_are_read(pair: Pair) -> None:
    context = pair.context()
    east, west = PostgresqlReader.open(EAST, context), PostgresqlReader.open(WEST, context)
    primary, standby = east.replication(), west.replication()
    assert primary.role == "primary"
    assert standby.role == "standby"
    assert primary.system_identifier == standby.system_identifier
    assert primary.timeline == standby.timeline == 1
    assert standby.streaming
    assert standby.receiver is not None
    assert standby.receiver.sender_port == pair.east.port
    assert standby.standby_name == "west"
    assert primary.current is not None
    assert primary.started_at != standby.started_at
    assert standby.data_directory == str(pair.west.data)
    assert east.sample is not None
    assert east.sample.position == primary.current
    assert [sender.application_name for sender in east.senders()] == ["west"]
    assert east.slots() == {"drtool": True}
    assert east.managers() == ()
    east.close()
    west.close()


@both_releases
def test_the_lock_is_granted_on_a_standby_survives_the_promotion_and_ends_with_the_session(
    pair: Pair,
) -> None:
    context = pair.context()
    holder = PostgresqlSession.open(WEST, context)
    other = PostgresqlSession.open(WEST, context)
    key = 0xF234_5678_9ABC_DEF0
    holder.set_name("drtool run-1 at laptop")
    assert holder.try_lock(key)
    assert holder.holds(key)
    assert not other.try_lock(key)
    assert not other.holds(key)
    found = other.who_holds(key)
    assert found is not None
    assert found.application_name == "drtool run-1 at laptop"
    token = holder.token()
    pair.east.cut_power()
    began = time.monotonic()
    assert holder.promote()
    assert time.monotonic() - began < 5
    assert holder.holds(key)
    assert holder.token() == token
    assert holder.write_through("hello") > 0
    after = holder.replication()
    assert (after.role, after.timeline, after.read_only) == ("primary", 2, False)
    pair.west.sql("SELECT pg_terminate_backend(%s)", found.pid)
    with pytest.raises(Unreachable):
        holder.token()
    with pytest.raises(Unreachable):
        holder.holds(key)
    wait_until(lambda: other.try_lock(key))
    assert other.token() > token
    other.close()
    holder.close()


def test_who_has_the_lock_is_asked_at_two_sites_at_once(pair: Pair) -> None:
    context = pair.context()
    west, east = PostgresqlSession.open(WEST, context), PostgresqlSession.open(EAST, context)
    assert west.try_lock(7)
    assert east.try_lock(7)
    with east.asked_whether_it_holds(7) as answer:
        assert west.holds(7)
        assert answer()
    with east.asked_whether_it_holds(8) as answer:
        assert not answer()
    with east.asked_whether_it_holds(7):
        pass  # its answer would stand in the way of every later statement
    with pytest.raises(Unreachable):
        east.holds(7)
    east = PostgresqlSession.open(EAST, context)
    assert east.try_lock(7)
    east.close()
    west.close()


def test_a_question_that_the_server_refuses_is_told_with_its_words(pair: Pair) -> None:
    session = PostgresqlSession.open(WEST, pair.context())
    assert session.try_lock(7)
    assert session.holds(7)
    session._wire.rows("forget", "DEALLOCATE ALL")
    with pytest.raises(StepFailed, match=r"lock: .*drtool_holds.* does not exist"):
        session.holds(7)
    assert session.token()  # the session is as good as before
    session.close()


def test_a_server_that_hangs_does_not_hold_up_whoever_asks_for_the_lock(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = PostgresqlSession.open(WEST, pair.context())
    assert session.try_lock(7)
    assert session.holds(7)
    monkeypatch.setattr(wire, "STATEMENT_SECONDS", 0.2)
    (backend,) = session._wire.row("pid", "SELECT pg_backend_pid()")
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable, match=r"no answer within 0\.2 s"):
            session.holds(7)
    finally:
        os.kill(backend, signal.SIGCONT)


def test_a_plain_reader_opens_a_lost_session_again(pair: Pair) -> None:
    reader = PostgresqlReader.open(EAST, pair.context())
    pair.east.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'drtool%'"
    )
    assert reader.replication().role == "primary"
    reader.close()


@contextlib.contextmanager
def receiving(pair: Pair, name: str, directory: Path) -> Iterator[None]:
    """Somebody else who streams from east and could confirm its commits."""
    directory.mkdir()
    program = str(pair.east.programs / "pg_receivewal")
    words = ["-d", f"{pair.east.conninfo} application_name={name}", "-D", str(directory)]
    with subprocess.Popen([program, *words, "--synchronous"]) as process:
        try:
            yield
        finally:
            process.terminate()


@both_releases
def test_a_heartbeat_names_a_standby_only_where_no_other_can_take_its_place(
    pair: Pair, tmp_path: Path
) -> None:
    east = pair.east
    states = "SELECT application_name, sync_state FROM pg_stat_replication ORDER BY 1"
    east.sql("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (west, third)'")
    east.sql("SELECT pg_reload_conf()")
    wait_until(lambda: east.sql(states) == [("west", "sync")])
    session = PostgresqlSession.open(EAST, pair.context())
    session.create_heartbeat_table()

    def named() -> tuple[str, ...]:
        session.write_heartbeat("orders")
        heartbeat = session.replication().heartbeat
        return heartbeat.synchronous if heartbeat else ()

    assert named() == ("west",)
    with receiving(pair, "third", tmp_path / "third"):
        wait_until(lambda: east.sql(states) == [("third", "potential"), ("west", "sync")])
        assert named() == (), "third may confirm the commits that come after west is cut off"
    wait_until(lambda: east.sql(states) == [("west", "sync")])
    assert named() == ("west",)
    session.close()


@both_releases
def test_writes_and_settings(pair: Pair) -> None:
    session = PostgresqlSession.open(EAST, pair.context())
    session.probe_write("run-1 probe")
    assert pair.east.sql("SELECT count(*) FROM drtool.write_probe") == [(0,)]
    assert session.create_slot("east_slot")
    assert not session.create_slot("east_slot")
    assert session.drop_slot("east_slot")
    assert not session.drop_slot("east_slot")
    session.checkpoint()
    session.alter_system("synchronous_standby_names", "")
    assert session.settings("synchronous_standby_names") == {"synchronous_standby_names": ""}
    session.create_heartbeat_table()
    session.write_heartbeat("orders")
    heartbeat = session.replication().heartbeat
    assert heartbeat is not None
    assert heartbeat.synchronous == ()
    pair.catch_up()
    standby = PostgresqlReader.open(WEST, pair.context())
    received = standby.replication()
    assert received.heartbeat == heartbeat
    assert received.last_commit is not None
    pair.east.sql("CREATE TABLE orders (id int, note text)")
    pair.east.sql("INSERT INTO orders SELECT i, 'n' || i FROM generate_series(1, 1000) i")
    pair.catch_up()
    assert session.table_sum("public.orders") == standby.table_sum("public.orders")
    assert session.table_sum("orders").rows == 1000
    session.close()
    standby.close()


@both_releases
def test_for_whom_commits_waited_is_kept_where_we_may(pair: Pair) -> None:
    def waits_for(names: str) -> bool:
        return pair.east.sql("SHOW synchronous_standby_names") == [(names,)]

    session = PostgresqlSession.open(EAST, pair.context())
    session.restore_standby_names("west")
    wait_until(lambda: waits_for("west"))
    session.empty_standby_names()
    wait_until(lambda: waits_for(""))
    assert session.emptied_standby_names() == "west"
    session.restore_standby_names(session.emptied_standby_names())
    wait_until(lambda: waits_for("west"))
    assert session.emptied_standby_names() == ""
    pair.east.sql(f"CREATE ROLE clerk LOGIN PASSWORD '{pair.east.password}'")
    pair.east.sql("GRANT ALTER SYSTEM ON PARAMETER synchronous_standby_names TO clerk")
    pair.east.sql("GRANT EXECUTE ON FUNCTION pg_reload_conf() TO clerk")
    clerk = PostgresqlSession.open(EAST, pair.context(user="clerk"))
    clerk.empty_standby_names()
    wait_until(lambda: waits_for(""))
    assert session.emptied_standby_names() == ""
    clerk.close()
    session.close()


@both_releases
def test_a_hanging_synchronous_standby_is_told(pair: Pair) -> None:
    session = PostgresqlSession.open(EAST, pair.context())
    session.alter_system("synchronous_standby_names", "nobody")
    took = []

    def write() -> None:
        began = time.monotonic()
        try:
            session.write_through("hello", seconds=0.5)
        finally:
            took.append(time.monotonic() - began)

    with pytest.raises(StepFailed, match="no synchronous standby confirmed"):
        wait_until(write)
    assert 0.5 <= took[-1] < 2
    assert session.replication().role == "primary"
    session.close()


def test_a_frozen_server_ends_within_our_own_limit(pair: Pair) -> None:
    context = pair.context()
    reader = PostgresqlReader.open(EAST, context)
    assert pair.east.process is not None
    backend = pair.east.child_named("idle")
    for pid in (pair.east.process.pid, backend):
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="within"):
        reader._wire.rows("role", "SELECT 1", (), 0.5)
    with pytest.raises(Unreachable, match="within 2 s"):
        PostgresqlReader.open(EAST, context)
    assert time.monotonic() - began < 5
    for pid in (pair.east.process.pid, backend):
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"database": "nowhere"}, AccessDenied, ("nowhere", "`database`")),
        ({"user": "nobody"}, AccessDenied, ("password refused", "secret")),
        ({"password": None}, AccessDenied, ("password refused", "secret")),
        ({"port": 1}, Unreachable, ("nothing listens at 127.0.1.1:1", "started")),
        ({"sslmode": "require"}, AccessDenied, ("SSL", "sslmode")),
    ],
)
@both_releases
def test_each_way_to_be_turned_away_is_one_line_with_a_hint(
    pair: Pair, changed: dict[str, object], error: type[DrtoolError], words: tuple[str, str]
) -> None:
    with pytest.raises(error) as raised:
        PostgresqlReader.open(EAST, pair.context(**changed))
    assert "\n" not in raised.value.line()
    assert words[0] in raised.value.line()
    assert words[1] in raised.value.hint
    assert pair.east.password not in raised.value.text()


@both_releases
def test_a_wrong_password_and_a_missing_line_in_pg_hba_are_told_apart(pair: Pair) -> None:
    wrong = pair.directory / "wrong"
    wrong.write_text("not-the-password")
    wrong.chmod(0o600)
    with pytest.raises(AccessDenied, match="password refused") as raised:
        PostgresqlReader.open(EAST, pair.context(password={"secret": f"file:{wrong}"}))
    assert "not-the-password" not in raised.value.text()
    (pair.east.data / "pg_hba.conf").write_text("host all nobody 127.0.0.0/8 scram-sha-256\n")
    pair.west.sql("SELECT 1")
    pair.east.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    with pytest.raises(AccessDenied, match="pg_hba") as raised:
        wait_until(lambda: PostgresqlReader.open(EAST, pair.context()).close())
    assert "pg_hba" in raised.value.hint


@both_releases
def test_a_missing_table_column_and_right_are_named(pair: Pair) -> None:
    pair.east.sql("CREATE TABLE orders (id int)")
    pair.east.sql(f"CREATE ROLE clerk LOGIN PASSWORD '{pair.east.password}'")
    session = PostgresqlSession.open(EAST, pair.context())
    with pytest.raises(BadInput, match=r"nothere"):
        session.table_sum("nothere")
    with pytest.raises(BadInput, match=r"marker"):
        session.find_marked("orders", "marker", "x")
    clerk = PostgresqlSession.open(EAST, pair.context(user="clerk"))
    with pytest.raises(AccessDenied, match=r"permission denied for table orders"):
        clerk.table_sum("orders")
    with pytest.raises(AccessDenied, match=r"pg_promote"):
        clerk.promote()
    with pytest.raises(AccessDenied, match=r"synchronous_standby_names"):
        clerk.alter_system("synchronous_standby_names", "")
    assert clerk.replication().role == "primary"
    clerk.close()
    session.close()


def test_a_table_that_a_standby_has_not_replayed_yet_may_still_come(pair: Pair) -> None:
    standby = PostgresqlReader.open(WEST, pair.context())
    pair.west.sql("SELECT pg_wal_replay_pause()")
    pair.east.sql("CREATE TABLE orders (id int)")
    with pytest.raises(StepFailed, match="orders"):
        standby.table_sum("orders")
    pair.west.sql("SELECT pg_wal_replay_resume()")
    pair.catch_up()
    assert standby.table_sum("orders").rows == 0
    standby.close()


def test_a_heartbeat_table_of_another_make_is_named_on_both_sides(pair: Pair) -> None:
    pair.east.sql("CREATE SCHEMA drtool")
    pair.east.sql("CREATE TABLE drtool.heartbeat (service text, beat timestamptz)")
    pair.catch_up()
    for place in (EAST, WEST):
        reader = PostgresqlReader.open(place, pair.context())
        with pytest.raises(BadInput, match=r'heartbeat: .*"written_at" does not exist') as raised:
            reader.replication()
        assert "DROP TABLE drtool.heartbeat" in raised.value.hint
        reader.close()


def test_a_blackhole_ends_within_the_time_limit() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        system = {"kind": "postgresql", "host": "h", "port": port, "data_directory": "/srv/pg"}
        inventory = Inventory.model_validate({
            "version": 1, "services": {},
            "sites": {"east": {"address": "127.0.0.1", "systems": {"orders_db": system}}},
        })  # fmt: skip
        context = Context(inventory, Secrets(Redactor()), SystemClock(), connect_seconds=0.3)
        began = time.monotonic()
        with pytest.raises(Unreachable, match="within"):
            PostgresqlReader.open(EAST, context)
        assert time.monotonic() - began < 1


@both_releases
def test_the_standby_refuses_writes_by_name(pair: Pair) -> None:
    session = PostgresqlSession.open(WEST, pair.context())
    with pytest.raises(StepFailed, match=r"read-only|recovery"):
        session.probe_write("x")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        pair.west.sql("CREATE TABLE t ()")
    session.close()


@both_releases
def test_a_slot_whose_wal_is_gone_is_made_anew(pair: Pair) -> None:
    session = PostgresqlSession.open(EAST, pair.context())
    assert session.create_slot("idle")
    for setting in ("max_slot_wal_keep_size = '1MB'", "wal_keep_size = 0", "min_wal_size = '32MB'"):
        pair.east.sql(f"ALTER SYSTEM SET {setting}")
    pair.east.sql("SELECT pg_reload_conf()")
    status = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'idle'"

    def lost() -> bool:
        pair.east.sql("SELECT pg_logical_emit_message(true, 'filler', repeat('x', 100000))")
        pair.east.sql("SELECT pg_switch_wal()")
        pair.catch_up()
        pair.east.sql("CHECKPOINT")
        return pair.east.sql(status) == [("lost",)]

    wait_until(lost)
    assert session.create_slot("idle")
    assert pair.east.sql(status) == [("reserved",)]
    session.close()


def test_a_cluster_manager_in_charge_is_noticed(pair: Pair) -> None:
    reader = PostgresqlReader.open(EAST, pair.context())
    assert reader.managers() == ()
    with psycopg.connect(f"{pair.east.conninfo} application_name='Patroni heartbeat'"):
        (sign,) = reader.managers()
    assert sign.manager == "Patroni"
    assert "patroni.promote" in (reason_managed_elsewhere(EAST, (sign,)) or "")
    reader.close()
