"""An engine's pulse: one row for each run, in a table beside the chain.

It says that the engine moved, not what it did; no hash covers it, and losing the last one to a
power cut is no loss. That is why a pulse is written without waiting for the disk.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from drtool.clock import Clock
from drtool.journal.database import connect
from drtool.model.event import Instant
from drtool.model.pulse import Pulse
from drtool.process import identity

EVERY_SECONDS = 2.0
_AGAIN_SECONDS = 0.2
_LEAVE_SECONDS = 1.0
_TABLE = """CREATE TABLE IF NOT EXISTS pulses (
  run TEXT PRIMARY KEY, wall TEXT NOT NULL, monotonic REAL NOT NULL, boot TEXT NOT NULL,
  pid INTEGER NOT NULL, process TEXT NOT NULL
) STRICT, WITHOUT ROWID"""


class Pulsing:
    """While it is entered, a thread of its own leaves a pulse every few seconds.

    It shares nothing with the engine's journal but the file. It waits for no lock and for no
    disk, holds the database for some microseconds, and what it cannot write is written a moment
    later or not at all: nothing here is ever raised.
    """

    def __init__(self, path: Path, run: str, clock: Clock, every: float = EVERY_SECONDS) -> None:
        self._path, self._run, self._clock, self._every = path, run, clock, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(_LEAVE_SECONDS)

    def _beat(self) -> None:
        pid = os.getpid()
        process = identity(pid)
        while not self._stop.is_set():
            with suppress(OSError, sqlite3.Error), closing(_to_write(self._path)) as connection:
                connection.execute(_TABLE)
                wait = 0.0
                while not self._stop.wait(wait):
                    wait = self._every if self._leave(connection, pid, process) else _AGAIN_SECONDS
            self._stop.wait(_AGAIN_SECONDS)

    def _leave(self, connection: sqlite3.Connection, pid: int, process: str) -> bool:
        """Leave one pulse; whether it was written, which a locked journal prevents.

        It counts the time awake only: one that is old by a sleep is no sign of a hang.
        """
        clock = self._clock
        row = (self._run, clock.wall().isoformat(), clock.monotonic(), clock.boot_id(), pid,
               process)  # fmt: skip
        try:
            connection.execute("INSERT OR REPLACE INTO pulses VALUES (?, ?, ?, ?, ?, ?)", row)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True


def pulses(path: Path) -> dict[str, Pulse]:
    """The last pulse of each run; none for an older journal, or one that cannot be read now."""
    if not path.exists():
        return {}
    try:
        with closing(connect(path, read_only=True, patience=0.0)) as connection:
            rows = connection.execute(
                "SELECT run, wall, monotonic, boot, pid, process FROM pulses"
            ).fetchall()
    except (OSError, sqlite3.Error):
        return {}
    return {row[0]: _pulse(row) for row in rows}


def _pulse(row: tuple[str, str, float, str, int, str]) -> Pulse:
    run, wall, monotonic, boot, pid, process = row
    at = Instant(wall=datetime.fromisoformat(wall), monotonic=monotonic, boot=boot)
    return Pulse(run=run, at=at, pid=pid, process=process)


def _to_write(path: Path) -> sqlite3.Connection:
    """A session of its own that never makes a journal and leaves checkpoints to the engine's."""
    uri = path.resolve().as_uri() + "?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection
