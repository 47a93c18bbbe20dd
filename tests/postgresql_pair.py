"""Two real PostgreSQL servers for tests: east is the primary, west its hot standby.

They are the wheel's; a test that is marked with ``both_releases`` runs with the machine's too.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from machine_servers import needed

from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.lab import shared_memory
from drtool.lab.processes import process
from drtool.lab.servers import embedded, postgresql
from drtool.model.inventory import Inventory
from drtool.redact import Redactor

ADDRESSES = {"east": "127.0.1.1", "west": "127.0.2.1"}
SLOT = "drtool"
_AS_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.getuid() == 0 else []
both_releases = pytest.mark.parametrize("postgresql_release", ["embedded", "system"], indirect=True)


def bin_directory() -> Path:
    """The servers' programs, as the wheel brings them."""
    return needed(embedded.find_postgresql()).programs


def wait_until(fact: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait for a condition, and fail when it does not come about."""
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "the condition did not come about in time"
        time.sleep(0.01)


def processes_of(data: Path) -> list[int]:
    """All that runs in a data directory."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (directory / "cwd").resolve(strict=True) == data:
                found.append(int(directory.name))
    return found


class Server:
    """One PostgreSQL server, started as a child of the test."""

    def __init__(
        self, site: str, data: Path, port: int, password: str, programs: Path | None = None
    ) -> None:
        self.site, self.data, self.port, self.password = site, data, port, password
        self.programs = programs or bin_directory()
        self.address = ADDRESSES.get(site, "127.0.3.1")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def conninfo(self) -> str:
        return (
            f"host={self.address} port={self.port} user=postgres password={self.password}"
            " dbname=postgres connect_timeout=2"
        )

    def tool(self, *words: str) -> str:
        """Run one of PostgreSQL's programs and return what it printed."""
        program = str(self.programs / words[0])
        done = subprocess.run(
            [*_AS_USER, program, *words[1:]],
            check=False, capture_output=True, text=True, timeout=60, env=self._environment(),
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        log = (self.data.parent / f"{self.site}.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [*_AS_USER, str(self.programs / "postgres"), "-D", str(self.data),
                 "-p", str(self.port), "-c", f"listen_addresses={self.address}",
                 "-c", "unix_socket_directories="],
                stdout=log, stderr=log, start_new_session=True, env=self._environment(),
            )  # fmt: skip
        wait_until(self.answers)

    def answers(self) -> bool:
        assert self.process is not None
        log = (self.data.parent / f"{self.site}.log").read_text(errors="replace")
        assert self.process.poll() is None, log[-2000:]
        try:
            self.sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """A clean, fast stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)

    def cut_power(self) -> None:
        """End postmaster and backends at the same moment."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        children = [found for child in self.children() if (found := process(child))]
        for child in children:
            child.send(signal.SIGKILL)
        self.process.kill()
        self.process.wait(timeout=10)
        wait_until(lambda: not any(child.runs for child in children))
        shared_memory.free(self.data)

    def children(self) -> list[int]:
        assert self.process is not None
        pid = self.process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in listed]

    def child_named(self, title: str) -> int:
        """The process id of the child whose title contains some text."""
        for child in self.children():
            if title in Path(f"/proc/{child}/cmdline").read_text().replace("\0", " "):
                return child
        raise LookupError(title)

    def sql(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """One statement in a session of its own."""
        with psycopg.connect(self.conninfo, autocommit=True) as session:
            cursor = session.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PGPASSWORD": self.password, "LC_ALL": "C"}


class Pair:
    """East, west, and what drtool's connections to them need."""

    def __init__(self, directory: Path, east: Server, west: Server) -> None:
        self.directory, self.east, self.west = directory, east, west
        self.others: list[Server] = []

    def inventory(self, **changed: object) -> Inventory:
        """The inventory of the pair; ``changed`` are fields of both systems."""
        secret = self.directory / "password"
        if not secret.exists():
            secret.write_text(self.east.password)
            secret.chmod(0o600)
        systems = {
            server.site: {
                "address": server.address,
                "systems": {
                    "orders_db": {
                        "kind": "postgresql", "host": f"{server.site}_db", "port": server.port,
                        "password": {"secret": f"file:{secret}"}, "sslmode": "disable",
                        "data_directory": str(server.data), **changed,
                    }
                },
            }
            for server in (self.east, self.west)
        }  # fmt: skip
        return Inventory.model_validate({
            "version": 1,
            "services": {"orders": {"preferred": "east", "heartbeat": "1s"}},
            "sites": systems,
            "hosts": {"east_db": {}, "west_db": {}},
        })  # fmt: skip

    def context(self, **changed: object) -> Context:
        return Context(
            self.inventory(**changed), Secrets(Redactor()), SystemClock(), run="test-run"
        )

    def connections(self, **changed: object) -> Connections:
        return Connections(self.context(**changed))

    def catch_up(self) -> None:
        """Wait until west has replayed what east has written."""
        target = self.east.sql("SELECT pg_current_wal_lsn()::text")[0][0]
        wait_until(
            lambda: self.west.sql("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", target)[0][0]
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.1.1", 0))
        return int(probe.getsockname()[1])


def new_cluster(
    directory: Path, site: str, port: int, password: str, programs: Path | None = None
) -> Server:
    """A fresh cluster of its own, not started."""
    server = Server(site, directory / site, port, password, programs)
    secret = directory / "initial"
    secret.write_text(password)
    server.tool("initdb", "-k", "-D", str(server.data), "-U", "postgres", "-A", "scram-sha-256",
                "--pwfile", str(secret), "-E", "UTF8", "--locale=C", "--no-sync")  # fmt: skip
    with (server.data / "postgresql.conf").open("a") as settings:
        settings.write(
            "max_connections=40\nshared_buffers=16MB\nwal_keep_size=64MB\nlc_messages='C'\n"
            "max_wal_size=256MB\ntrack_commit_timestamp=on\nhot_standby=on\n"
            "dynamic_shared_memory_type=mmap\n"
        )
    with (server.data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 127.0.0.0/8 scram-sha-256\n"
                    "host replication all 127.0.0.0/8 scram-sha-256\n")  # fmt: skip
    return server


@dataclass(frozen=True)
class Release:
    """One release of PostgreSQL: its programs, those for a shell, and a cluster to copy.

    PostgreSQL's programs refuse root; a shell finds each under the user that it takes. SSH
    sessions stay root's own then, and see the processes of every user namespace.
    """

    programs: Path
    wrapped: Path
    template: Path
    password: str

    @classmethod
    def of(cls, kind: str, directory: Path) -> Release:
        find = postgresql.find if kind == "system" else embedded.find_postgresql
        programs = needed(find()).programs
        wrapped = directory / "programs"
        wrapped.mkdir()
        for program in programs.iterdir():
            wrapper = wrapped / program.name
            words = shlex.join([*_AS_USER, str(program)])
            wrapper.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            wrapper.chmod(0o755)
        password = secrets.token_hex(12)
        template = new_cluster(directory, "template", 5432, password, programs).data
        return cls(programs, wrapped, template, password)


@pytest.fixture(scope="session")
def postgresql_releases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Release]:
    """Each release by its name, made ready once."""
    known: dict[str, Release] = {}

    def release(kind: str) -> Release:
        if kind not in known:
            known[kind] = Release.of(kind, tmp_path_factory.mktemp(kind))
        return known[kind]

    return release


@pytest.fixture
def postgresql_release(
    request: pytest.FixtureRequest, postgresql_releases: Callable[[str], Release]
) -> Release:
    """The release that the test runs with."""
    return postgresql_releases(getattr(request, "param", "embedded"))


@pytest.fixture
def pair(tmp_path: Path, postgresql_release: Release) -> Iterator[Pair]:
    """A primary at east with a slot, and a hot standby at west that streams from it."""
    port, password, programs = free_port(), postgresql_release.password, postgresql_release.programs
    east = Server("east", tmp_path / "east", port, password, programs)
    west = Server("west", tmp_path / "west", port, password, programs)
    shutil.copytree(postgresql_release.template, east.data)
    made = Pair(tmp_path, east, west)
    try:
        east.start()
        east.tool("pg_basebackup", "-d", f"{east.conninfo} application_name=west",
                  "-D", str(west.data), "-R", "-C", "-S", SLOT, "-X", "stream", "-c", "fast",
                  "--no-sync")  # fmt: skip
        west.start()
        wait_until(lambda: east.sql("SELECT 1 FROM pg_stat_replication WHERE state='streaming'"))
        yield made
    finally:
        for server in (east, west, *made.others):
            if server.process is not None and server.process.poll() is None:
                server.process.send_signal(signal.SIGCONT)
                server.cut_power()
            shared_memory.free(server.data)
