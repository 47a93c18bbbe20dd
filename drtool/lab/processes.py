"""Know processes again, find what they started, end them: by id and start time, never by name."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.01
_BURIAL_SECONDS = 1.0
_DETACHED = 'log="$1"; shift; "$@" >>"$log" 2>&1 & echo $!'
_ENDED = {"Z", "X"}


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for another one that got its id later.

    ``started`` is field 22 of ``/proc/PID/stat`` (proc(5)), in clock ticks since boot.
    """

    pid: int
    started: int

    @property
    def runs(self) -> bool:
        """Whether it is still there; a zombie is not."""
        seen = _stat(self.pid)
        return seen is not None and seen.started == self.started and seen.state not in _ENDED

    def send(self, kind: signal.Signals) -> None:
        """Send a signal if it is still there."""
        if self.runs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, kind)


@dataclass(frozen=True)
class _Stat:
    pid: int
    parent: int
    started: int
    state: str


def start(command: list[str], environment: dict[str, str], directory: Path, log: Path) -> int:
    """Start a process that is nobody's child and leads on after us; gives its id.

    It stands in a session of its own, reads nothing and appends what it says to the log.
    """
    done = subprocess.run(
        ["/bin/sh", "-c", _DETACHED, "sh", str(log), *command],
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        check=True,
    )
    return int(done.stdout)


def process(pid: int) -> Process | None:
    """The process that has the id now."""
    seen = _stat(pid)
    return Process(pid, seen.started) if seen and seen.state not in _ENDED else None


def descendants(pid: int) -> list[Process]:
    """What the process started, parents before their children, zombies left out."""
    children: dict[int, list[_Stat]] = {}
    for seen in _all():
        children.setdefault(seen.parent, []).append(seen)
    found: list[Process] = []
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(0), []):
            waiting.append(child.pid)
            if child.state not in _ENDED:
                found.append(Process(child.pid, child.started))
    return found


def power_cut(pid: int) -> None:
    """End everything below ``pid`` as a power cut does: nothing gets to say goodbye.

    All are stopped first, parents before children, until no new one is found, so that a server
    cannot drain its replication while its parts die. Ends when all are gone, or after 10 s.
    """
    frozen: set[Process] = set()
    while fresh := [one for one in descendants(pid) if one not in frozen]:
        for one in fresh:
            one.send(signal.SIGSTOP)
        frozen.update(fresh)
    until = time.monotonic() + 10.0
    while (alive := descendants(pid)) and time.monotonic() < until:
        for one in reversed(alive):
            one.send(signal.SIGKILL)
        time.sleep(_POLL)


def end(found: list[Process], seconds: float = 10.0) -> list[Process]:
    """Kill the processes and all that they started; gives those that are still there."""
    ours = os.getpid()
    until = time.monotonic() + seconds
    known = set(found)
    while True:
        for one in list(known):
            if one.runs:
                known.update(descendants(one.pid))
        alive = [one for one in known if one.runs and one.pid != ours]
        if not alive:
            _wait_until_buried(known)
        if not alive or time.monotonic() > until:
            return alive
        for one in alive:
            one.send(signal.SIGKILL)
        time.sleep(_POLL)


def marked(name: str, value: str) -> list[Process]:
    """The processes that bear the variable with that very value in their environment."""
    wanted = f"{name}={value}".encode()
    found = []
    for seen in _all():
        try:
            environment = Path(f"/proc/{seen.pid}/environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0") and seen.state not in _ENDED:
            found.append(Process(seen.pid, seen.started))
    return found


def _wait_until_buried(known: set[Process]) -> None:
    """Give whoever inherits the dead a second to bury them, so that no list shows them any more."""
    until = time.monotonic() + _BURIAL_SECONDS
    while any(_stat(one.pid) for one in known) and time.monotonic() < until:
        time.sleep(_POLL)


def _all() -> list[_Stat]:
    found = (_stat(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208 - names alone, many times a second
    return [seen for seen in found if seen is not None]


def _stat(pid: int) -> _Stat | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - many times a second
            text = file.read()
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    return _Stat(pid, int(fields[1]), int(fields[19]), fields[0].decode())
