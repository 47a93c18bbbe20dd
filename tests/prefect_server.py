"""A real Prefect server for a whole test session, and runs of the tiny engine against it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drtool.compiler import server
from drtool.compiler.api import Api
from drtool.compiler.ask import Recorded, recorded

DRIVER = Path(__file__).with_name("prefect_driver.py")
ENDS_WITHIN = 5.0


def eventually(reached: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What ``reached`` gives, as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline, f"not reached within {seconds:g} s"
        time.sleep(0.02)
    return found


class PrefectServer:
    """drtool's own server in a directory of the test session."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def api(self) -> Api:
        api = server.embedded(self.home)
        assert api is not None
        return api

    @property
    def pid(self) -> int:
        pid = server.status(self.home).pid
        assert pid is not None
        return pid

    @property
    def database(self) -> Path:
        return self.home / "prefect-server" / "prefect.db"

    def hang(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        assert not server.status(self.home).answers

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)
        eventually(lambda: server.status(self.home).answers)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        eventually(lambda: not server.status(self.home).running)

    def start(self, port: int = 0) -> None:
        assert server.start(self.home, port).answers


class Ride:
    """A run of the tiny engine: what it told, line by line, and how it left."""

    def __init__(self, scratch: Path, api: Api, run: str, **told: Any) -> None:
        self.run, self.log = run, scratch / "prefect.log"
        told = {
            "url": api.url,
            "auth": api.auth,
            "run": run,
            "log": str(self.log),
            "prefect_home": str(scratch / "prefect-client"),
            **told,
        }
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER), json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[dict[str, Any]] = []
        self.errors = ""
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()

    def wait_for(self, what: str, seconds: float = 30.0) -> dict[str, Any]:
        """The first line of that kind."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.said if line["what"] == what), None)

        line: dict[str, Any] = eventually(found, seconds)
        return line

    def go_on(self) -> None:
        """Let the run go past its pause."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self, seconds: float = 40.0) -> dict[str, Any]:
        """The last line, once the process has left without a word on standard error."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(5)
        assert (code, self.errors) == (0, "")
        last = self.said[-1]
        assert last["what"] == "finished"
        assert last["seconds"] <= ENDS_WITHIN
        return last

    @property
    def vehicle(self) -> int:
        """The id of the process that carries the run through Prefect."""
        pid: int = self.wait_for("vehicle")["pid"]
        return pid

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [line for line in self.said if line["what"] == "step"]

    @property
    def vias(self) -> dict[str, str]:
        return {line["name"]: line["via"] for line in self.steps}


class Rides:
    """Starts runs, and ends what a failed test leaves behind."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._all: list[Ride] = []

    def start(self, api: Api, *steps: dict[str, Any], **told: Any) -> Ride:
        run = f"run-{os.getpid()}-{time.monotonic_ns()}"
        self._all.append(Ride(self.scratch, api, told.pop("run", run), steps=steps, **told))
        return self._all[-1]

    def close(self) -> None:
        for ride in self._all:
            if ride.process.poll() is None:
                ride.process.kill()
            ride.process.wait(5)
            for stream in (ride.process.stdin, ride.process.stdout, ride.process.stderr):
                if stream is not None:
                    stream.close()


def once_recorded(
    api: Api, run: str, whole: Callable[[Recorded], bool], seconds: float = 20.0
) -> Recorded:
    """What Prefect shows of the run, once it is as wanted."""

    def look() -> Recorded | None:
        found = recorded(api, run)
        return found if whole(found) else None

    found: Recorded = eventually(look, seconds)
    return found


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    home = tmp_path_factory.mktemp("prefect")
    try:
        server.start(home)
        yield PrefectServer(home)
    finally:
        server.stop(home)


@pytest.fixture
def rides(tmp_path: Path) -> Iterator[Rides]:
    started = Rides(tmp_path)
    try:
        yield started
    finally:
        started.close()
