"""The arbiter that is this machine's own state directory; a second machine is not excluded."""

from __future__ import annotations

import fcntl
import os
import time
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from drtool.clock import Clock
from drtool.errors import JournalUnusable, LeaseHeld
from drtool.journal.home import secure_directory
from drtool.lease.lease import held, lost, token_text
from drtool.model.value import Value
from drtool.process import runs

_MOMENT = 1.0


class _Record(Value):
    """What stands in the lock file; ``run`` is empty when nobody holds it."""

    token: int = 0
    pid: int = 0
    holder: str = ""
    run: str = ""
    since: datetime | None = None


class LocalLease:
    """An exclusive lock on a file of the home; the kernel drops it when the process ends."""

    session = None
    over = ""

    def __init__(self, service: str, path: Path, fd: int, record: _Record) -> None:
        self.token, self.holder = token_text(record.token), record.holder
        self.arbiter = "the journal of this machine"
        self._service, self._path, self._fd, self._record = service, path, fd, record

    def check(self) -> None:
        """Whether the file that is locked is still the one, and still says so."""
        try:
            same = os.path.samestat(os.fstat(self._fd), self._path.stat())
            if same and _read(self._fd) == self._record:
                return
        except OSError as error:
            raise lost(self._service, self.arbiter, f"{self._path}: {error.strerror}") from error
        raise lost(self._service, self.arbiter, f"{self._path} was replaced or changed")

    def bear(self, run: str) -> None:
        """Name another run as its bearer; the lock and the token are the same."""
        self._record = self._record.model_copy(update={"run": run})
        _write(self._fd, self._record)

    def release(self) -> None:
        """Leave the token for the next holder, and let the file go."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            _write(fd, _Record(token=self._record.token))
        except OSError:
            pass  # the token stands there already, and closing ends the lock
        finally:
            os.close(fd)


def take_local(service: str, home: Path, clock: Clock, holder: str, run: str) -> LocalLease:
    """Lock the service in a home.

    Raises LeaseHeld that names the holder, JournalUnusable when the file cannot be written.
    """
    path = secure_directory(home / "leases") / f"{service}.lock"
    fd = -1
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        record = _Record(
            token=_read(fd).token + 1, pid=os.getpid(), holder=holder, run=run, since=clock.wall()
        )
        _write(fd, record)
        return LocalLease(service, path, fd, record)
    except BlockingIOError as error:
        refusal = _held(service, path, _holder(fd))
        os.close(fd)
        raise refusal from error
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        raise JournalUnusable(
            f"lease of {service}",
            f"{path}: {error.strerror}",
            "a file that can be locked and written",
            f"free or chown {path.parent}, or choose another home: export DRTOOL_HOME=...",
        ) from error


def _held(service: str, path: Path, record: _Record) -> LeaseHeld:
    if not record.run:
        return held(service, str(path), "a process that is just starting", "", "start again")
    by = f"{record.holder}, run {record.run}, since {record.since:%Y-%m-%d %H:%M:%S} UTC"
    how = f"if its process hangs, only its end ends its right to act: kill -9 {record.pid}"
    return held(service, str(path), by, record.run, how, force=False)


def _holder(fd: int) -> _Record:
    """Who holds the file; one who has just locked it gets a moment to write it down."""
    until = time.monotonic() + _MOMENT
    while True:
        record = _read(fd)
        if (record.run and runs(record.pid)) or time.monotonic() > until:
            return record
        time.sleep(_MOMENT / 100)


def _read(fd: int) -> _Record:
    try:
        return _Record.model_validate_json(os.pread(fd, 4096, 0))
    except ValidationError:
        return _Record()


def _write(fd: int, record: _Record) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, record.model_dump_json().encode(), 0)
    os.fsync(fd)
