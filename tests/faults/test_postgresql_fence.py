"""Fences over SSH against real servers: F26 to F31, F33, and what only looks like a fence."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from driven import drive, facts_of
from fault_record import Fault
from postgresql_pair import (
    Server,
    both_releases,
    free_port,
    new_cluster,
    processes_of,
    wait_until,
)
from small_disk import on_a_disk_of_its_own, small_disk
from ssh_host import Hosts

from drtool.action import Look
from drtool.actions.postgresql.fence import Fence
from drtool.actions.postgresql.fence_paths import FenceSeen
from drtool.connections.postgresql_host import PostgresqlHostHands
from drtool.errors import Refused, StepFailed
from drtool.model.proof import Proof, ProofKind, Statement
from drtool.safety.fence import reason_not_proven
from drtool.units import Duration

EAST = "east.orders_db"
QUICK = Fence(paths=("ssh",), drain=Duration(1))


def fence(
    hosts: Hosts, action: Fence = QUICK, seconds: float = 20.0, **facts_changed: Any
) -> tuple[FenceSeen, list[Proof], str | None]:
    """Fence east, and give what was seen, its proofs and why a promotion would be refused."""
    inventory = hosts.inventory()
    connections = hosts.connections()
    facts = facts_of(inventory, **facts_changed)
    try:
        seen = drive(action, connections, facts, seconds)
        proofs = action.proofs(seen, facts)
        place = facts.at
        assert place is not None
        reason = reason_not_proven(proofs, place, inventory, None, seen.at)
    finally:
        connections.close()
    return seen, proofs, reason


def state_of(pid: int) -> str:
    """The kernel's letter for what a process does: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def accepts_writes(server: Server) -> bool:
    try:
        server.sql("CREATE TABLE IF NOT EXISTS probe(x int)")
    except psycopg.Error:
        return False
    return True


def comes_up_as_a_standby(server: Server) -> None:
    """Whoever starts it again gets a standby."""
    assert server.process is not None
    server.process.wait(timeout=10)
    server.start()
    assert server.sql("SELECT pg_is_in_recovery()")[0][0] is True
    assert not accepts_writes(server)


@both_releases
def test_a_healthy_primary_is_drained_and_proven(hosts: Hosts) -> None:
    east, west = hosts.pair.east, hosts.pair.west
    east.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS x")
    _, proofs, reason = fence(hosts)
    assert reason is None
    assert proofs[0].kind is ProofKind.PROCESSES
    assert proofs[0].durable
    assert proofs[0].final_position is not None
    received = west.sql("SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn")[0][0]
    assert int(str(received)) > proofs[0].final_position
    assert processes_of(east.data) == []
    comes_up_as_a_standby(east)
    _, _, reason = fence(hosts)
    assert reason is None, "a restarted standby is still fenced"


@both_releases
def test_a_primary_whose_disk_is_full_is_fenced_too(
    hosts: Hosts, tmp_path: Path, fault: Fault
) -> None:
    """Its WAL has room; the note in the signal file has none."""
    east = hosts.pair.east
    with small_disk(tmp_path / "disk", 256) as disk:
        if isinstance(disk, str):
            fault.cannot_inject(disk)
            return
        on_a_disk_of_its_own(east, disk)
        taken = disk.fill()
        assert disk.full
        assert east.sql("SELECT pg_is_in_recovery()") == [(False,)]
        fault.injected(f"the last {taken >> 20} MB of the primary's disk are taken; it answers")
        _, proofs, reason = fence(hosts)
        assert reason is None
        assert processes_of(east.data) == []
        assert (east.data / "standby.signal").read_text() == ""
        fault.got(proofs[0].evidence)
        (disk.path / "filler").unlink()
        comes_up_as_a_standby(east)
        east.stop()


def test_a_signal_that_cannot_be_written_is_told_with_what_to_try(hosts: Hosts) -> None:
    east = hosts.pair.east
    (east.data / "standby.signal").symlink_to(east.data / "missing" / "file")
    connections = hosts.connections()
    identifier = str(east.sql("SELECT system_identifier FROM pg_control_system()")[0][0])
    host = connections.get(PostgresqlHostHands, EAST)
    with pytest.raises(StepFailed, match=r"standby\.signal cannot be written") as failed:
        host.stop(identifier, "drtool run x: fenced", 1.0, kill=True)
    assert failed.value.hint.endswith(f"touch {east.data}/standby.signal")
    assert accepts_writes(east)
    connections.close()


@both_releases
def test_f26_a_killed_primary_is_fenced_where_it_lies(hosts: Hosts, fault: Fault) -> None:
    hosts.pair.east.cut_power()
    assert processes_of(hosts.pair.east.data) == []
    fault.injected("the primary was killed")
    _, proofs, reason = fence(hosts)
    assert reason is None
    assert proofs[0].final_position is None
    fault.got(proofs[0].evidence)
    comes_up_as_a_standby(hosts.pair.east)


@both_releases
def test_f27_l03_a_busy_backend_outlives_its_postmaster_and_is_found(
    hosts: Hosts, fault: Fault
) -> None:
    east = hosts.pair.east
    east.sql("CREATE TABLE busy(x int)")

    def keep_committing() -> None:
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(east.conninfo, autocommit=True) as session,
        ):
            session.execute("DO $$ BEGIN LOOP UPDATE busy SET x = x + 1; COMMIT; END LOOP; END $$")

    east.sql("INSERT INTO busy VALUES (0)")
    worker = threading.Thread(target=keep_committing, daemon=True)
    worker.start()
    wait_until(lambda: east.sql("SELECT x FROM busy")[0][0] != 0)
    assert east.process is not None
    east.process.kill()
    east.process.wait()
    wait_until(lambda: len(processes_of(east.data)) == 1)
    assert not accepts_writes(east), "nobody listens any more"
    fault.injected("the postmaster is gone, one backend goes on")
    connections = hosts.connections()
    seen = QUICK.observe(Look(connections, facts_of(hosts.inventory())))
    connections.close()
    assert not seen.answering
    assert seen.proving is None, "a port that is closed is no fence"
    assert "without a postmaster" in seen.paths[0].trouble
    fault.got(seen.paths[0].trouble)
    _, _, reason = fence(hosts)
    assert reason is None
    assert processes_of(east.data) == []
    worker.join(5)


def test_f28_f29_a_frozen_primary_is_killed_and_stays_dead(hosts: Hosts, fault: Fault) -> None:
    east = hosts.pair.east
    assert east.process is not None
    frozen = [east.process.pid, *east.children()]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: {state_of(pid) for pid in frozen} == {"T"})
    fault.injected(f"{len(frozen)} processes of the primary are stopped")
    begun = time.monotonic()
    _, _, reason = fence(hosts)
    assert reason is None
    assert time.monotonic() - begun < 10
    for pid in frozen:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    east.process.wait()
    assert processes_of(east.data) == []
    assert not accepts_writes(east)


@pytest.fixture
def supervisor(hosts: Hosts) -> Iterator[threading.Event]:
    """Starts east again whenever it is gone, as systemd's Restart=always does."""
    stop, east = threading.Event(), hosts.pair.east

    def supervise() -> None:
        while not stop.is_set():
            assert east.process is not None
            if east.process.poll() is not None:
                with contextlib.suppress(AssertionError):
                    east.start()
            time.sleep(0.02)

    thread = threading.Thread(target=supervise, daemon=True)
    thread.start()
    yield stop
    stop.set()
    thread.join(20)


@both_releases
def test_f30_a_fence_survives_a_supervisor(
    hosts: Hosts, supervisor: threading.Event, fault: Fault
) -> None:
    east = hosts.pair.east
    _, _, reason = fence(hosts)
    assert reason is None
    wait_until(lambda: processes_of(east.data) != [])
    wait_until(lambda: east.sql("SELECT pg_is_in_recovery()")[0][0])
    fault.injected("the supervisor has started the server again")
    assert not accepts_writes(east)
    _, _, reason = fence(hosts)
    assert reason is None
    supervisor.set()


def test_f31_a_host_that_does_not_answer_proves_nothing(hosts: Hosts, fault: Fault) -> None:
    hosts.hosts["east"].stop()
    with pytest.raises(StepFailed, match="ssh host east_db"):
        fence(hosts, seconds=3)
    fault.injected("the host answers nothing over SSH")
    assert accepts_writes(hosts.pair.east)


def test_f31_a_statement_is_accepted_and_never_called_proof(hosts: Hosts, fault: Fault) -> None:
    hosts.hosts["east"].stop()
    now = facts_of(hosts.inventory()).started
    statement = Statement(by="operator", reason="I pulled the plug", at=now)
    with pytest.raises(StepFailed):
        fence(hosts, seconds=2, statement=statement)  # its port answers: belied
    fault.injected("the host answers nothing over SSH")
    hosts.pair.east.cut_power()
    seen, proofs, reason = fence(hosts, statement=statement)
    assert reason is None
    assert seen.proving is None
    assert [proof.kind for proof in proofs] == [ProofKind.STATEMENT]
    assert proofs[0].evidence.startswith("not proven")
    fault.got(proofs[0].evidence)


def test_f32_a_lost_reply_is_observed_again(hosts: Hosts, fault: Fault) -> None:
    host = hosts.hosts["east"]
    connections = hosts.connections()
    facts = facts_of(hosts.inventory())
    look = Look(connections, facts)
    assert QUICK.changes(QUICK.observe(look)) != []
    host.drop_replies = True
    threading.Timer(1.0, setattr, (host, "drop_replies", False)).start()
    drive(QUICK, connections, facts)
    assert host.dropped
    fault.injected(f"{host.dropped} replies were lost")
    assert processes_of(hosts.pair.east.data) == []
    connections.close()


def lets_nobody_in(server: Server, how: str) -> list[Any]:
    """Have a primary turn us away, and go on writing; the sessions that it is busy with."""
    if how == "pg_hba.conf":
        rules = server.data / "pg_hba.conf"
        rules.write_text(f"host all all 127.0.0.0/8 reject\n{rules.read_text()}")
        server.sql("SELECT pg_reload_conf()")
    sessions: list[Any] = []
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            sessions.append(psycopg.connect(server.conninfo, autocommit=True))
    return sessions


@pytest.mark.parametrize("how", ["pg_hba.conf", "too many clients"])
def test_f33_a_primary_that_turns_us_away_is_not_fenced_where_its_copy_lies(
    hosts: Hosts, tmp_path: Path, fault: Fault, how: str
) -> None:
    """The inventory's data directory is a copy at rest; the primary runs from another one."""
    east, copy = hosts.pair.east, tmp_path / "copy"
    east.tool("pg_basebackup", "-d", east.conninfo, "-D", str(copy), "-c", "fast", "--no-sync")
    (copy / "standby.signal").touch()
    inventory = hosts.inventory(data_directory=str(copy))
    connections = hosts.connections(data_directory=str(copy))
    sessions = lets_nobody_in(east, how)
    facts = facts_of(inventory)
    try:
        with pytest.raises(psycopg.OperationalError, match=how) as refused:
            east.sql("SELECT 1")
        fault.injected(str(refused.value))
        seen = QUICK.observe(Look(connections, facts))
        assert QUICK.proofs(seen, facts) == []
        wanted = r"does not let us look.* is data_directory right"
        with pytest.raises(StepFailed, match=wanted) as failed:
            drive(QUICK, connections, facts, 2)
        fault.got(str(failed.value))
    finally:
        for session in sessions:
            session.close()
        connections.close()


def test_f33_l05_another_cluster_is_not_stopped(hosts: Hosts, tmp_path: Path, fault: Fault) -> None:
    other = new_cluster(tmp_path, "other", free_port(), "other-password")
    other.start()
    hosts.pair.others.append(other)
    inventory = hosts.inventory(data_directory=str(other.data))
    connections = hosts.connections(data_directory=str(other.data))
    with pytest.raises(Refused, match="another cluster"):
        drive(QUICK, connections, facts_of(inventory))
    fault.injected("the inventory leads to another cluster's server")
    assert other.process is not None
    assert other.process.poll() is None
    assert not (other.data / "standby.signal").exists()
    connections.close()


def test_a_data_directory_that_cannot_be_read_is_no_other_cluster(
    hosts: Hosts, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    changed = {"data_directory": str(empty)}
    connections, facts = hosts.connections(**changed), facts_of(hosts.inventory(**changed))
    with pytest.raises(StepFailed, match="no system identifier can be read"):
        drive(QUICK, connections, facts, 2)  # another path may still be tried
    connections.close()


@contextlib.contextmanager
def patroni(directory: Path, data: Path | None) -> Iterator[None]:
    """A process that looks like Patroni's, in charge of a data directory or of who knows what."""
    fake, pipe, settings = directory / "patroni", directory / "pipe", directory / "patroni.yml"
    fake.write_text('#!/bin/sh\nexec 3<>"$1"; read -r x <&3\n')
    fake.chmod(0o755)
    os.mkfifo(pipe)
    settings.write_text(f"postgresql:\n  data_dir: '{data}'\n" if data else "scope: orders\n")
    process = subprocess.Popen([str(fake), str(pipe), str(settings)])
    try:
        wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text().strip() == "patroni")
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.alone
@pytest.mark.parametrize("known", [True, False])
def test_a_host_in_patronis_charge_is_refused_with_its_verb(
    hosts: Hosts, tmp_path: Path, *, known: bool
) -> None:
    east = hosts.pair.east
    with patroni(tmp_path, east.data if known else None):
        with pytest.raises(Refused, match=r"patroni\.fence"):
            fence(hosts, seconds=5)
        assert accepts_writes(east)


def test_another_servers_patroni_is_in_nobodys_way(hosts: Hosts, tmp_path: Path) -> None:
    with patroni(tmp_path, hosts.pair.west.data):
        fence(hosts, seconds=5)
    assert not accepts_writes(hosts.pair.east)


@contextlib.contextmanager
def python_with(argument: str) -> Iterator[None]:
    """A Python that waits, with an argument of that name."""
    waits = [sys.executable, "-c", "import sys; sys.stdin.read()", argument]
    with subprocess.Popen(waits, stdin=subprocess.PIPE):
        yield


@pytest.mark.alone
@pytest.mark.parametrize(
    "argument", ["/usr/bin/patroni", "patroni", "/opt/patroni.py", "/lib/patroni/__main__.py"]
)
def test_a_patroni_that_python_runs_is_known_by_its_argument(hosts: Hosts, argument: str) -> None:
    with python_with(argument), pytest.raises(Refused, match=r"patroni\.fence"):
        fence(hosts, seconds=5)


def test_a_file_that_only_ends_like_patronis_is_in_nobodys_way(hosts: Hosts) -> None:
    with python_with("tests/integration/test_patroni.py"):
        fence(hosts, seconds=5)
    assert not accepts_writes(hosts.pair.east)
