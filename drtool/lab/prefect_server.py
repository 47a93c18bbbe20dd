"""The lab's Prefect server: on loopback, with a secret and a home of its own, warmed."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from dataclasses import dataclass

import httpx

from drtool.errors import DrtoolError
from drtool.lab import prefect_schema, processes
from drtool.lab.layout import LOOPBACK, Layout

_READY_SECONDS = 60.0
_POLL = 0.05
_ASK_SECONDS = 5.0
_CALM_SECONDS = 15.0
_CALM_ANSWERS = 3
_AT_ONCE_SECONDS = 0.1


@dataclass(frozen=True)
class Reach:
    """Where the server answers, and the secret that it wants; never put on a command line."""

    api_url: str
    auth: str

    @property
    def ui_url(self) -> str:
        """Where people look at it."""
        return self.api_url.removesuffix("/api")

    def listens(self) -> bool:
        """Whether somebody takes connections there; much cheaper than a request."""
        port = int(self.ui_url.rpartition(":")[2])
        try:
            socket.create_connection((LOOPBACK, port), timeout=0.5).close()
        except OSError:
            return False
        return True

    def environment(self) -> dict[str, str]:
        """What a client of Prefect reads."""
        return {"PREFECT_API_URL": self.api_url, "PREFECT_API_AUTH_STRING": self.auth}

    def client(self) -> httpx.Client:
        """A client for its API."""
        user, _, password = self.auth.partition(":")
        return httpx.Client(
            base_url=self.api_url,
            auth=(user, password),
            timeout=_ASK_SECONDS,
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP; a TLS context costs 20 ms each time
        )


def reach(layout: Layout) -> Reach:
    """How to reach the server of the lab."""
    port = layout.identity().ports.prefect
    auth = layout.secret("prefect.auth").read_text(encoding="utf-8").strip()
    return Reach(f"http://{LOOPBACK}:{port}/api", auth)


def start(layout: Layout, environment: dict[str, str]) -> int:
    """Start the server and return at once; gives its process id."""
    found = reach(layout)
    layout.prefect.mkdir(mode=0o700, exist_ok=True)
    prefect_schema.create(layout.prefect / "prefect.db")
    settings = {
        **{name: value for name, value in environment.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(layout.prefect),
        "PREFECT_SERVER_API_AUTH_STRING": found.auth,
        "PREFECT_SERVER_UI_API_URL": found.api_url,
        # By default it is unpacked beside the package, where an ordinary user may not write.
        "PREFECT_UI_STATIC_DIRECTORY": str(layout.prefect / "ui"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # A second of CPU for types of blocks that no runbook uses.
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }
    port = str(layout.identity().ports.prefect)
    command = [
        *(sys.executable, "-m", "uvicorn", "--factory"),
        "prefect.server.api.server:create_app",
        *("--host", LOOPBACK, "--port", port, "--log-level", "warning"),
    ]
    return processes.start(command, settings, layout.prefect, layout.logs / "prefect.log")


def wait_until_calm(found: Reach) -> bool:
    """Wait until the server answers at once, three times in a row; False after 15 s.

    A fresh server is busy with itself for a while after its first answer.
    """
    until, calm = time.monotonic() + _CALM_SECONDS, 0
    while calm < _CALM_ANSWERS:
        if time.monotonic() > until:
            return False
        calm = calm + 1 if answers(found, _AT_ONCE_SECONDS) else 0
        time.sleep(_POLL)
    return True


def answers(found: Reach, seconds: float = 1.0) -> bool:
    """Whether the server answers now."""
    if not found.listens():
        return False
    try:
        with found.client() as client:
            return client.get("/admin/version", timeout=seconds).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def wait_and_warm(layout: Layout, pid: int) -> None:
    """Wait until the server answers, then take its slow first requests upon us.

    Raises DrtoolError with the last words of its log when it does not come up.
    """
    found, log = reach(layout), layout.logs / "prefect.log"
    until = time.monotonic() + _READY_SECONDS
    while not answers(found):
        gone = processes.process(pid) is None
        if gone or time.monotonic() > until:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            what = "ended" if gone else f"did not answer within {_READY_SECONDS:g} s"
            raise DrtoolError("Prefect server", f"{what}: {lines[-1] if lines else 'no word'}")
        time.sleep(_POLL)
    with found.client() as client, contextlib.suppress(httpx.HTTPError, KeyError):
        _warm(client)


def _warm(client: httpx.Client) -> None:
    """The requests of a small flow, of which nothing stays; a failure costs only warmth."""
    flow = client.post("/flows/", json={"name": "drtool-lab-warm-up"}).json()["id"]
    wanted = {"flow_id": flow, "name": "warm-up", "state": {"type": "PENDING"}}
    run = client.post("/flow_runs/", json=wanted).json()["id"]
    for state in ("RUNNING", "COMPLETED"):
        told = {"state": {"type": state}}
        client.post(f"/flow_runs/{run}/set_state", json=told)
    client.delete(f"/flows/{flow}")
