"""Runs of the real command line whose effects are requests to a server of the test's own."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from drtool.clock import SystemClock
from drtool.errors import DrtoolError
from drtool.journal.home import journal_path
from drtool.journal.store import Journal
from drtool.model.event import Event
from drtool.process import runs
from drtool.progress.run_state import RunState
from drtool.progress.state import fold
from drtool.redact import Redactor

INVENTORY = """
version: 1
services:
  orders: {{url: "{url}", preferred: east, lease: {{at: journal}}}}
sites:
  east: {{address: 127.0.0.1}}
  west: {{address: 127.0.0.2}}
"""
RUNBOOK = """
version: 1
runbook: orders
inventory: inventory.yaml
service: orders
procedures:
  reprotect:
"""
PATIENCE_SECONDS = 60.0


class EffectServer:
    """Takes POST requests; the one whose path is ``held`` is answered when ``go`` is set."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.held, self.go = "", threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                server.effects.append(self.path)
                if self.path == server.held:
                    server.go.wait(PATIENCE_SECONDS)
                with suppress(BrokenPipeError):  # the engine was killed
                    self.send_response(200)
                    self.send_header("content-length", "2")
                    self.end_headers()
                    self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Typist:
    """A person at a terminal of a machine with a journal of its own."""

    def __init__(self, directory: Path, server: EffectServer, home: Path | None = None) -> None:
        self.directory, self.server = directory, server
        self.home = home or directory / "home"
        self.runbook = directory / "runbook.yaml"
        self._left: list[subprocess.Popen[str]] = []
        self._terminals: list[int] = []
        (directory / "inventory.yaml").write_text(INVENTORY.format(url=server.url))
        self.write_runbook("one", "two")

    @property
    def journal(self) -> Path:
        return journal_path(self.home)

    def write_runbook(self, *steps: str, more: str = "") -> None:
        lines = (
            f"    - {{step: {name}, action: http.request, path: /{name}, status: [200]{more}}}\n"
            for name in steps
        )
        self.runbook.write_text(RUNBOOK + "".join(lines))

    def begin(self, *words: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Type a command at a terminal, and do not wait for it."""
        ours, terminal = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "drtool", *map(str, words)],
            env={**os.environ, "DRTOOL_HOME": str(self.home), **variables},
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(terminal)
        self._terminals.append(ours)
        self._left.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> Said:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in out + err, out + err
        return Said(process.returncode, out, err)

    def type(self, *words: str | Path, **variables: str) -> Said:
        return self.end(self.begin(*words, **variables))

    def start(self, *more: str, **variables: str) -> str:
        """Start a run whose engine outlives its terminal; its id."""
        words: list[str | Path] = [*START, self.runbook, *WHERE, "--detach", "--json", *more]
        said = self.type(*words, **variables)
        assert said.code == 0, said.err
        run = str(json.loads(said.out)["run"])
        until(lambda: self.events(run))
        return run

    def follow(self, **variables: str) -> subprocess.Popen[str]:
        """Start a run and follow it at the terminal."""
        return self.begin(*START, self.runbook, *WHERE, **variables)

    def consent(self, run: str = "last") -> None:
        until(lambda: self.type("approve", run, "start", "--service", "orders").code == 0)

    def events(self, run: str) -> list[Event]:
        with self.reading() as journal:
            return journal.events(run)

    def state(self, run: str) -> RunState:
        return fold(self.events(run))

    def newest(self) -> str:
        with self.reading() as journal:
            return journal.runs()[0]

    @contextmanager
    def reading(self) -> Iterator[Journal]:
        journal = Journal.open(
            self.journal, SystemClock(), Redactor(), create=False, read_only=True
        )
        try:
            yield journal
        finally:
            journal.close()

    def leave(self) -> None:
        """End what is left: terminals, and engines that still wait for somebody."""
        with suppress(DrtoolError), self.reading() as journal:
            for one in journal.summaries():
                if one.ended is None and runs(one.pid, one.process):
                    os.kill(one.pid, signal.SIGKILL)
        for process in self._left:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for terminal in self._terminals:
            os.close(terminal)
        self._left, self._terminals = [], []


START = ("reprotect",)
WHERE = ("--from", "east", "--to", "west", "--engine", "direct")


def until(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def effect_server() -> Iterator[EffectServer]:
    made = EffectServer()
    yield made
    made.close()


@pytest.fixture
def typist(tmp_path: Path, effect_server: EffectServer) -> Iterator[Typist]:
    made = Typist(tmp_path, effect_server)
    yield made
    made.leave()
