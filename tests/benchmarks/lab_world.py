"""A lab of the benchmark's own, a customer that writes, and drtool driven as a person does."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import psycopg
from prefect_server import eventually

from drtool.clock import SystemClock, seconds_passed
from drtool.journal.store import Journal
from drtool.model.event import Event
from drtool.redact import Redactor

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
DRTOOL = [str(Path(sys.executable).with_name("drtool"))]
RUNBOOK = "runbooks/hot-standby/orders.yaml"
OTHER = {"east": "west", "west": "east"}


@dataclass(frozen=True)
class Driven:
    """One procedure as a person saw it; times are monotonic."""

    started: float
    prompted: float
    typed: float
    ended: float
    events: list[Event]


class LabWorld:
    """Use as a context; the lab is gone afterwards."""

    def __init__(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="drtool-bench-"))
        self._scratch.chmod(0o755)
        self.environment = {
            **os.environ,
            "DRTOOL_HOME": str(self._scratch / "home"),
            "DRTOOL_LAB_HOME": str(self._scratch / "lab"),
            "COLUMNS": "120",
        }

    def __enter__(self) -> Self:
        self.lab("up")
        self.status: dict[str, Any] = json.loads(self.lab("status", "--json"))
        prefect = self.status["prefect"]
        self.environment["PREFECT_API_URL"] = prefect["api_url"]
        auth = Path(prefect["auth_file"]).read_text(encoding="utf-8").strip()
        self.environment["PREFECT_API_AUTH_STRING"] = auth
        with self.session(self.primary()) as session:
            session.execute("create table bench (at timestamptz default now(), wrote text)")
        return self

    def __exit__(self, *_: object) -> None:
        for site in OTHER:
            self._ssh(site, "-O", "exit")
        self.lab("down")
        shutil.rmtree(self._scratch, ignore_errors=True)

    def lab(self, *words: str) -> str:
        done = subprocess.run(
            [*DRTOOL, "lab", *words],
            env=self.environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        return done.stdout

    def site(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.status["sites"][name]
        return found

    def password(self, user: str = "drtool") -> str:
        path = self.site("east")["postgresql"]["users"][user]
        return Path(path).read_text(encoding="utf-8").strip()

    def session(self, site: str) -> psycopg.Connection:
        found = self.site(site)["postgresql"]
        return psycopg.connect(
            host=found["address"],
            port=found["port"],
            user="drtool",
            password=self.password(),
            dbname="orders",
            sslmode="disable",
            autocommit=True,
            connect_timeout=2,
        )

    def ask(self, site: str, query: str) -> Any:
        with self.session(site) as session:
            row = session.execute(query.encode()).fetchone()
            return row[0] if row else None

    def primary(self) -> str:
        for site in OTHER:
            try:
                if not self.ask(site, "select pg_is_in_recovery()"):
                    return site
            except psycopg.Error:
                continue
        raise AssertionError("no site has a primary")

    def settle(self) -> None:
        """Wait until the standby streams and has replayed everything."""
        primary = self.primary()
        streams = "select count(*) from pg_stat_replication where state = 'streaming'"
        eventually(lambda: self.ask(primary, streams) == 1, 30)
        position = self.ask(primary, "select pg_current_wal_lsn()")
        replayed = f"select pg_last_wal_replay_lsn() >= '{position}'"
        eventually(lambda: self.ask(OTHER[primary], replayed), 30)

    def follow(self, site: str) -> None:
        """Make a cleanly stopped primary the standby, as one does after a script's switchover."""
        there, here = self.site(OTHER[site])["postgresql"], self.site(site)["postgresql"]
        slot = "select pg_create_physical_replication_slot('drtool')"
        gone = "select 1 from pg_replication_slots where slot_name = 'drtool'"
        if not self.ask(OTHER[site], gone):
            self.ask(OTHER[site], slot)
        assert there["address"] in (
            Path(here["data_directory"]) / "postgresql.auto.conf"
        ).read_text(encoding="utf-8")
        command = f"touch {here['data_directory']}/standby.signal; postgres-start"
        self._ssh(site, "warm", command).check_returncode()
        self.settle()
        if self.ask(site, gone):
            self.ask(site, "select pg_drop_replication_slot('drtool')")

    def socket(self, site: str) -> Path:
        return self._scratch / f"{site}.ssh"

    def warm(self, site: str) -> None:
        """Open the SSH connection that the scripts go through."""
        if self._ssh(site, "-O", "check").returncode == 0:
            return
        found = self.site(site)["ssh"]
        known = self._scratch / "known_hosts"
        with known.open("a", encoding="utf-8") as hosts:
            hosts.write(f"[{found['address']}]:{found['port']} {found['host_key']}\n")
        subprocess.run(
            [
                *("ssh", "-fNM", "-S", str(self.socket(site)), "-p", str(found["port"])),
                *("-i", found["key_file"], "-o", f"UserKnownHostsFile={known}"),
                *("-o", "BatchMode=yes", f"{found['user']}@{found['address']}"),
            ],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _ssh(self, site: str, *words: str) -> subprocess.CompletedProcess[str]:
        target = () if words[0] == "warm" else ("warm",)
        return subprocess.run(
            ["ssh", "-S", str(self.socket(site)), *words, *target],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def script_environment(self, source: str) -> dict[str, str]:
        """What the hand-written rivals need to know."""
        target = OTHER[source]
        tsig = self._scratch / "tsig.key"
        secret = Path(self.status["dns"]["key_file"]).read_text(encoding="utf-8").strip()
        tsig.write_text(f'key "drtool" {{ algorithm hmac-sha256; secret "{secret}"; }};\n')
        tsig.chmod(0o600)
        return {
            **self.environment,
            "FROM": self.site(source)["address"],
            "TO": self.site(target)["address"],
            "FROM_SOCKET": str(self.socket(source)),
            "FROM_DATA": self.site(source)["postgresql"]["data_directory"],
            "FROM_BIN": self.site(source)["postgresql"]["bin_directory"],
            "PG_PORT": str(self.site(target)["postgresql"]["port"]),
            "DNS_PORT": str(self.site(target)["dns"]["port"]),
            "NAME": self.status["dns"]["endpoint"],
            "TSIG": str(tsig),
            "PGPASSWORD": self.password(),
        }

    def drive(self, procedure: str, *words: str) -> Driven:
        """Run a procedure at a terminal and type the service's name when it is asked for."""
        command = [*DRTOOL, procedure, RUNBOOK, "--inventory", self.status["inventory"], *words]
        master, slave = pty.openpty()
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self.environment,
            cwd=REPOSITORY,
            start_new_session=True,
        )
        os.close(slave)
        seen, prompted, typed = b"", 0.0, 0.0
        while process.poll() is None:
            if not select.select([master], [], [], 0.02)[0]:
                continue
            try:
                seen += os.read(master, 65536)
            except OSError:
                break
            if not prompted and b"Type orders" in seen:
                prompted = time.monotonic()
                os.write(master, b"orders\n")
                typed = seconds_passed(SystemClock())  # as events have it
        code = process.wait(30)
        ended = time.monotonic()
        os.close(master)
        assert code == 0, seen.decode(errors="replace")[-3000:]
        return Driven(started, prompted, typed, ended, self.last_run())

    def last_run(self) -> list[Event]:
        path = Path(self.environment["DRTOOL_HOME"]) / "journal.sqlite"
        journal = Journal.open(path, SystemClock(), Redactor(), create=False, read_only=True)
        try:
            return journal.events(journal.runs()[0])
        finally:
            journal.close()


class Customer:
    """Writes in a process of its own; tells the longest time without an acknowledged write."""

    def __init__(self, world: LabWorld) -> None:
        told = {
            "port": world.site("east")["postgresql"]["port"],
            "password": world.password(),
            "name": world.status["dns"]["endpoint"],
            "dns_port": world.site("east")["dns"]["port"],
            "servers": [world.site(site)["dns"]["address"] for site in OTHER],
        }
        self._acks: list[float] = []
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "bench_writer.py"), json.dumps(told)],
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        eventually(lambda: len(self._acks) > 50)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._acks.append(float(line))

    def downtime(self, since: float) -> float:
        """The longest gap since then, once writes are accepted again."""
        now = time.monotonic()
        eventually(lambda: self._acks[-1] > now + 0.05)
        acks = [at for at in self._acks if at >= since - 0.5]
        return max(later - at for at, later in pairwise(acks))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(5)
        if self._process.stdout is not None:
            self._process.stdout.close()
