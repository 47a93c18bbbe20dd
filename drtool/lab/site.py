"""A site's supervisor: starts its servers at boot, PostgreSQL behind the boot guard.

It plays the part that systemd has on a real machine. ``python -m drtool.lab.site DIRECTORY``
reads ``site.json`` there, starts what stands in it, and answers ``state``, ``start NAME`` and
``stop NAME`` over its socket. It restarts nothing by itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from drtool.lab.ask import Said
from drtool.lab.children import Children, adopt_orphans
from drtool.lab.control import serve
from drtool.lab.layout import SitePaths

POSTGRESQL = "postgresql"
READY_SECONDS = 20.0
_POLL = 0.005
# postmaster.pid, line 8: PM_STATUS_READY and PM_STATUS_STANDBY of PostgreSQL's pidfile.h.
_READY = {"ready", "standby"}
_STATUS_LINE = 7


@dataclass(frozen=True)
class Commands:
    """What a site runs: the name of each service and its command."""

    services: dict[str, list[str]]
    postgresql: list[str]


def reason_not_to_start(paths: SitePaths) -> str | None:
    """The boot guard: only a standby starts by itself, a primary needs drtool's release.

    A site that was left behind may come back at any moment, by mains or by a button, and must
    not come back as a second primary.
    """
    if not (paths.data / "PG_VERSION").exists():
        return "there is no data directory"
    if (paths.data / "standby.signal").exists() or paths.release.exists():
        return None
    return (
        f"held back by the boot guard: neither {paths.data}/standby.signal"
        f" nor {paths.release} is there"
    )


class Supervisor:
    """Runs the services of one site."""

    def __init__(self, paths: SitePaths, commands: Commands) -> None:
        self.paths, self.commands = paths, commands
        self.children = Children()
        self._held = ""

    def boot(self) -> None:
        """Start everything, as a machine does that was switched on."""
        self.start(POSTGRESQL)
        for name in self.commands.services:
            self.start(name)

    def answer(self, request: str) -> Said:
        """Do what was asked over the socket."""
        verb, _, name = request.partition(" ")
        known = {POSTGRESQL, *self.commands.services}
        if verb == "state":
            return self.state()
        if verb in {"start", "stop"} and name in known:
            trouble = self.start(name) if verb == "start" else self.stop(name)
            if not trouble and verb == "start" and name == POSTGRESQL:
                trouble = self._wait_until_ready()
            return {"done": not trouble, "text": trouble or f"{name}: {verb} done"}
        return {"done": False, "text": f"unknown request {request!r}"}

    def state(self) -> Said:
        """What runs, under which process id, and why PostgreSQL does not."""
        names = (POSTGRESQL, *self.commands.services)
        return {
            "done": True,
            "pids": {name: self.children.pid(name) for name in names},
            "exits": {name: self.children.exit_code(name) for name in names},
            "held": self._held,
        }

    def start(self, name: str) -> str:
        """Start a service; gives why not, or nothing."""
        if self.children.pid(name) is not None:
            return ""
        command = self.commands.services.get(name, self.commands.postgresql)
        if name == POSTGRESQL:
            self._held = reason_not_to_start(self.paths) or ""
            if self._held:
                return f"{POSTGRESQL}: {self._held}"
            self.paths.release.unlink(missing_ok=True)
        self.children.spawn(name, command, self.paths.logs / f"{name}.log", self.paths.root)
        return ""

    def stop(self, name: str) -> str:
        """Stop a service, PostgreSQL by a fast shutdown; gives why it did not stop."""
        pid = self.children.pid(name)
        if pid is None:
            return ""
        os.kill(pid, signal.SIGINT if name == POSTGRESQL else signal.SIGTERM)
        until = time.monotonic() + READY_SECONDS
        while self.children.pid(name) == pid:
            if time.monotonic() > until:
                return f"{name}: did not stop within {READY_SECONDS:g} s"
            time.sleep(_POLL)
        return ""

    def _wait_until_ready(self) -> str:
        """Wait until PostgreSQL says that it takes connections; gives why it does not."""
        until = time.monotonic() + READY_SECONDS
        log = self.paths.logs / f"{POSTGRESQL}.log"
        while time.monotonic() < until:
            pid = self.children.pid(POSTGRESQL)
            if pid is None:
                return f"{POSTGRESQL}: ended while it started; see {log}"
            if _status(self.paths.data) in {(str(pid), word) for word in _READY}:
                return ""
            time.sleep(_POLL)
        return f"{POSTGRESQL}: not ready within {READY_SECONDS:g} s; see {log}"


def _status(data: Path) -> tuple[str, str]:
    """Process id and status word of the server, as it says itself."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return lines[0].strip(), lines[_STATUS_LINE].strip()
    except (OSError, IndexError, ValueError):
        return "", ""


def main(arguments: list[str]) -> int:
    """Boot the site and run it until the power is cut."""
    paths = SitePaths(Path(arguments[0]))
    told = json.loads(paths.configuration.read_text(encoding="utf-8"))
    supervisor = Supervisor(paths, Commands(told["services"], told["postgresql"]))
    paths.logs.mkdir(exist_ok=True)
    adopt_orphans()
    supervisor.boot()
    serve(paths.root, supervisor.answer)
    supervisor.children.reap()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
