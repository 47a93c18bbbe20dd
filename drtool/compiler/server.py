"""drtool's own Prefect server: on loopback, with a secret of its own, ended by its process id."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from drtool.compiler.api import Api
from drtool.compiler.warming import warm
from drtool.errors import DrtoolError
from drtool.model.value import Value
from drtool.process import identity, runs

START_SECONDS = 90.0
STOP_SECONDS = 5.0
HEALTH_SECONDS = 1.0
_RECORD_FILE, _AUTH_FILE = "server.json", "auth"
_POLL = 0.05
_DETACH = 'cd "$1" || exit 1; shift; "$@" </dev/null >>server.log 2>&1 & echo $!'


class Record(Value):
    """What the server's directory says of the process: enough to know it again."""

    pid: int
    identity: str
    api_url: str


class ServerStatus(Value):
    """How the server stands."""

    running: bool
    answers: bool = False
    pid: int | None = None
    api_url: str = ""
    ui_url: str = ""
    directory: str = ""

    def sentence(self) -> str:
        """The status as a person reads it."""
        if not self.running:
            return "drtool's Prefect server is not running"
        how = "answers" if self.answers else "does not answer"
        return f"drtool's Prefect server (process {self.pid}) {how} at {self.ui_url}"


def start(home: Path, port: int = 0, seconds: float = START_SECONDS) -> ServerStatus:
    """Start the server, wait until it answers and warm it; one that runs already is left alone.

    Raises DrtoolError that names the server's log when it does not come up.
    """
    found = status(home)
    if found.running and found.answers:
        return found
    if found.running:
        stop(home)
    directory = _directory(home)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    auth = _secret(directory)
    port = port or _free_port()
    pid = _spawn(directory, auth, port)
    api = Api(f"http://127.0.0.1:{port}/api", auth)
    record = Record(pid=pid, identity=identity(pid), api_url=api.url)
    _write_private(directory / _RECORD_FILE, record.model_dump_json())
    up = _wait(lambda: not _runs(record) or _answers(api), seconds)
    if not up or not _runs(record):
        stop(home)
        raise DrtoolError(
            "drtool's Prefect server",
            f"did not answer within {seconds:g} s" if not up else "ended while it started",
            hint=f"its log: {directory / 'server.log'}",
        )
    warm(api)
    return status(home)


def stop(home: Path, seconds: float = STOP_SECONDS) -> ServerStatus:
    """End the server, kindly and then firmly; gives how it stood before.

    Only a process that is known to be the server is ended, never another that got its id.
    """
    before = status(home)
    record = _read(home)
    if before.running and record is not None:
        for kind in (signal.SIGTERM, signal.SIGKILL):
            _signal(record, signal.SIGCONT)
            _signal(record, kind)
            if _wait(lambda: not _runs(record), seconds):
                break
    (_directory(home) / _RECORD_FILE).unlink(missing_ok=True)
    return before


def status(home: Path) -> ServerStatus:
    """Whether the server runs, and whether it answers within a second."""
    record = _read(home)
    if record is None or not _runs(record):
        return ServerStatus(running=False, directory=str(_directory(home)))
    return ServerStatus(
        running=True,
        answers=_answers(_api(home, record)),
        pid=record.pid,
        api_url=record.api_url,
        ui_url=record.api_url.removesuffix("/api"),
        directory=str(_directory(home)),
    )


def embedded(home: Path) -> Api | None:
    """The API of the server if its process runs; it is not asked."""
    record = _read(home)
    return _api(home, record) if record is not None and _runs(record) else None


def _spawn(directory: Path, auth: str, port: int) -> int:
    """The process id of the server, in a session of its own, nobody's child, outliving us.

    It runs in its own directory, since Prefect also takes settings from the working directory.
    """
    address = f"http://127.0.0.1:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(directory),
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_SERVER_UI_API_URL": f"{address}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }
    command = [
        *(sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
        *("--timeout-graceful-shutdown", "2"),
    ]
    done = subprocess.run(
        ["/bin/sh", "-c", _DETACH, "sh", str(directory), *command],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        start_new_session=True,
    )
    return int(done.stdout)


def _directory(home: Path) -> Path:
    return home / "prefect-server"


def _secret(directory: Path) -> str:
    """The server's own secret, made once."""
    path = directory / _AUTH_FILE
    if not path.exists():
        _write_private(path, f"drtool:{secrets.token_urlsafe(32)}")
    return path.read_text(encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    """Write so that others can never read, not even for a moment."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def _read(home: Path) -> Record | None:
    try:
        text = (_directory(home) / _RECORD_FILE).read_text(encoding="utf-8")
        return Record.model_validate_json(text)
    except (OSError, ValueError):
        return None


def _api(home: Path, record: Record) -> Api:
    try:
        return Api(record.api_url, (_directory(home) / _AUTH_FILE).read_text(encoding="utf-8"))
    except OSError:
        return Api(record.api_url)


def _runs(record: Record) -> bool:
    return bool(record.identity) and runs(record.pid, record.identity)


def _signal(record: Record, kind: signal.Signals) -> None:
    if _runs(record):
        os.kill(record.pid, kind)


def _answers(api: Api) -> bool:
    try:
        api.version(HEALTH_SECONDS)
    except DrtoolError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(reached: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True
