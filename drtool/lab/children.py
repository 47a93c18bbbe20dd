"""Start processes and take leave of every one that ends, ours and those left to us."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_IDLE_SECONDS = 0.02


def adopt_orphans() -> None:
    """Have what loses its parent below this process given to it, not to process 1 (prctl(2))."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Children:
    """The processes of a supervisor; after ``adopt_orphans``, orphans below it leave no zombies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: dict[str, int] = {}

    def spawn(self, name: str, command: list[str], log: Path, directory: Path) -> int:
        """Start a process under a name, its output appended to the log; gives its id."""
        with self._lock, log.open("ab") as output:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=directory,
                start_new_session=True,
            )
            self._running[name] = started
            self._ended.pop(name, None)
            return started.pid

    def pid(self, name: str) -> int | None:
        """The id of the process of that name, if it runs."""
        with self._lock:
            found = self._running.get(name)
            return found.pid if found else None

    def exit_code(self, name: str) -> int | None:
        """How the process of that name ended, if it did."""
        with self._lock:
            return self._ended.get(name)

    def reap(self) -> None:
        """Take leave of what ends, for ever."""
        while True:
            try:
                # Looked at, not yet taken: the id stays ours until the lock is held.
                seen = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                time.sleep(_IDLE_SECONDS)
                continue
            if seen is not None:
                self._bury(seen.si_pid)

    def _bury(self, pid: int) -> None:
        with self._lock:
            for name, child in self._running.items():
                if child.pid == pid:
                    self._ended[name] = child.wait()
                    del self._running[name]
                    return
            os.waitpid(pid, 0)
