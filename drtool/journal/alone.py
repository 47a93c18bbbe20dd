"""One engine for each run: a lock of this machine that the kernel drops when its process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from drtool.errors import BadInput, JournalUnusable
from drtool.journal.home import secure_directory


class Alone:
    """The right to be the engine of a run, whatever its lease would let another one do."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path, self._fd = path, fd

    def release(self) -> None:
        """Let the run go; a second time does nothing."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            self._path.unlink(missing_ok=True)
            os.close(fd)


def carry_alone(home: Path, run: str) -> Alone:
    """Become the only engine of a run.

    Raises BadInput while another one is, JournalUnusable when the file cannot be locked.
    """
    path = secure_directory(home / "engines") / f"{run}.lock"
    try:
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                os.close(fd)
                raise
            if _is_there(fd, path):
                return Alone(path, fd)
            os.close(fd)  # the engine before this one took the file away as it left
    except BlockingIOError as error:
        found = "another engine carries it already"
        raise BadInput(f"run {run}", found, hint=f"drtool attach {run}") from error
    except OSError as error:
        raise JournalUnusable(
            f"run {run}",
            f"{path}: {error.strerror}",
            "a file that can be locked",
            f"free or chown {path.parent}, or choose another home: export DRTOOL_HOME=...",
        ) from error


def _is_there(fd: int, path: Path) -> bool:
    """Whether what is locked is what the next engine will find."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
