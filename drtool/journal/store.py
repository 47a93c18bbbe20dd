"""The append-only record of all runs: SQLite with a hash chain and an anchor beside it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from drtool.clock import Clock
from drtool.crashpoint import crashpoint
from drtool.errors import JournalUnusable
from drtool.journal.anchor import Anchor
from drtool.journal.chain import Head, link
from drtool.journal.masking import stored
from drtool.journal.opening import Opened, open_files
from drtool.journal.reading import events_of, hash_at, head_of, last_number, runs_of
from drtool.journal.summary import RunSummary, summaries_of
from drtool.journal.trouble import damaged, unusable, written_by_another
from drtool.journal.verify import Checked, faults
from drtool.model.event import Body, Event, Instant, Request
from drtool.redact import Redactor

PATIENCE = 5.0  # seconds that another process may keep the journal locked


class Journal:
    """A journal that is open; safe to use from several threads.

    Its first failure to write is its last: everything after it raises the same JournalUnusable,
    because what the disk holds then is not known any more.
    """

    def __init__(self, opened: Opened, clock: Clock, redactor: Redactor) -> None:
        self.path = opened.path
        self._db, self._anchor, self._id = opened.connection, opened.anchor, opened.identity
        self._clock, self._redactor = clock, redactor
        self._lock = threading.RLock()
        self._broken: JournalUnusable | None = None
        self._read_only, self._patience = opened.read_only, opened.patience
        self._head = head_of(self._db)
        self._numbers: dict[str, int] = {}
        # the database, and its log that SQLite makes at the first read
        self._files = str(self.path), f"{self.path}-wal"
        self._inodes = (0, 0) if opened.read_only else _inodes(self._files)
        self._pid = os.getpid()
        self._version = self._data_version()

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Clock,
        redactor: Redactor,
        *,
        create: bool = True,
        read_only: bool = False,
        damaged_too: bool = False,
        patience: float = PATIENCE,
        checked: Checked | None = None,
    ) -> Self:
        """Open a journal, or make it; every entry is checked against chain and anchor.

        ``read_only`` never writes a byte and reads a copy from another machine too;
        ``damaged_too`` opens one, to read, that is not what was written. ``checked`` is shared
        by openings of one process. Raises JournalUnusable that names the path and the cure.
        """
        opened = open_files(
            path,
            create=create,
            read_only=read_only,
            damaged_too=damaged_too,
            patience=patience,
            checked=checked,
        )
        return cls(opened, clock, redactor)

    def new_run_id(self) -> str:
        """A run id that no other run of this journal bears; ids sort by time.

        Its last part is the fraction of the second in 1/65536.
        """
        with self._writing():
            now = self._clock.wall()
            second, fraction = now.strftime("%Y%m%d-%H%M%S"), now.microsecond * 65536 // 1_000_000
            taken = "INSERT OR IGNORE INTO names VALUES (?)"
            while not self._db.execute(taken, (f"{second}-{fraction:04x}",)).rowcount:
                fraction += 1
            return f"{second}-{fraction:04x}"

    def append(self, run: str, *bodies: Body, after: int | None = None) -> tuple[Event, ...]:
        """Write events, all or none: one commit, then the anchor; on the disk when it returns.

        ``after`` is the run's last event that the writer knows: nothing is written when there is
        another one since. The events come back as they are stored, with secrets masked.
        """
        if not bodies:
            return ()
        at = Instant.now(self._clock)
        with self._writing() as head:
            first = self._last_number(run) + 1
            if after is not None and first != after + 1:
                raise written_by_another(run, first - 1, after)
            written: list[Event] = []
            seq, digest = head.seq, bytes.fromhex(head.sha256)
            for number, body in enumerate(bodies, first):
                text, event = stored(Event(run=run, seq=number, at=at, body=body), self._redactor)
                seq, digest = seq + 1, link(digest, seq + 1, text)
                row = (seq, run, number, event.body.kind, text, digest)
                self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
                written.append(event)
            self._head = Head(seq, digest.hex())
        self._numbers = {run: first + len(bodies) - 1}
        return tuple(written)

    def events(self, run: str, after: int = 0) -> list[Event]:
        """The events of a run after that sequence, each checked against the chain."""
        with self._reading():
            return events_of(self._db, self.path, run, after)

    def runs(self) -> list[str]:
        """All run ids, newest first."""
        with self._reading():
            return runs_of(self._db)

    def summaries(self) -> list[RunSummary]:
        """What lists of runs show, newest first."""
        with self._reading():
            return summaries_of(self._db)

    def changed(self) -> bool:
        """Whether another process has written since the last call; costs microseconds."""
        with self._reading():
            version, self._version = self._version, self._data_version()
            return version != self._version

    def request(self, request: Request) -> int:
        """Leave a request for the engine of a run; any process may. Gives its id."""
        reason = self._redactor.clean(request.reason)  # the rest are words of the language
        text = request.model_copy(update={"reason": reason}).model_dump_json()
        with self._writing():
            row = self._db.execute(
                "INSERT INTO requests (run, text) VALUES (?, ?)", (request.run, text)
            )
            return row.lastrowid or 0

    def pending(self, run: str) -> list[Request]:
        """The requests of a run that are not settled, oldest first."""
        with self._reading():
            rows = self._db.execute(
                "SELECT id, text FROM requests WHERE run = ? AND settled = 0 ORDER BY id", (run,)
            ).fetchall()
        return [
            Request.model_validate_json(text).model_copy(update={"id": id_}) for id_, text in rows
        ]

    def settle(self, request_id: int) -> None:
        """Note that a request was dealt with; the events tell what came of it, its text goes."""
        with self._writing():
            done = "UPDATE requests SET settled = 1, text = '{}' WHERE id = ?"
            self._db.execute(done, (request_id,))

    def head(self) -> Head:
        """The last entry's number and hash, as a report exports them."""
        with self._reading():
            return head_of(self._db)

    @property
    def identity(self) -> str:
        """What tells this journal from every other."""
        return self._id.journal

    def verify(self, exported: Mapping[str, Head] | Head | None = None) -> list[str]:
        """Every fault of chain and anchor as a sentence; empty when the journal is whole.

        ``exported`` are heads that were written down elsewhere, each under the name of what
        holds it: they are compared as well.
        """
        heads = {"exported head": exported} if isinstance(exported, Head) else dict(exported or {})
        with self._reading():
            try:
                anchor = self._anchor.read(self._id.journal) if self._anchor else None
            except JournalUnusable as error:
                return [error.found, *faults(self._db, heads)]
            if anchor is None:
                return ["there is no anchor", *faults(self._db, heads)]
            return faults(self._db, {**heads, "anchor": anchor})

    def close(self) -> None:
        """Close the files; never raises."""
        with self._lock:
            self._db.close()
            if self._anchor is not None:
                self._anchor.close()
                self._anchor = None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise self._cause(error) from error

    @contextmanager
    def _writing(self) -> Iterator[Head]:
        """One transaction; what it leaves in ``_head`` is anchored when it is committed."""
        with self._lock:
            anchor = self._usable()
            try:
                with anchor.locked(self._patience):
                    self._still_there(anchor)
                    self._db.execute("BEGIN IMMEDIATE")
                    before = self._head = self._grown()
                    yield before
                    crashpoint("journal.written")
                    self._db.execute("COMMIT")
                    crashpoint("journal.committed")
                    if self._head is not before:
                        anchor.write(self._id.journal, before, self._head)
                        crashpoint("journal.anchored")
            except (OSError, sqlite3.Error) as error:
                raise self._give_up(self._cause(error)) from error
            except JournalUnusable as error:
                self._give_up(error)
                raise
            except BaseException:
                self._roll_back()
                raise

    def _usable(self) -> Anchor:
        if self._broken is not None:
            raise self._broken
        if self._anchor is None or self._read_only or os.getpid() != self._pid:
            found = "it is closed, open to read only, or was opened by another process"
            raise JournalUnusable(f"journal {self.path}", found, "a journal of one's own to write")
        return self._anchor

    def _cause(self, error: OSError | sqlite3.Error) -> JournalUnusable:
        """What an error means: SQLite tells a deleted file as a disk that fails."""
        if isinstance(error, sqlite3.Error) and not self._read_only and self._anchor is not None:
            try:
                self._still_there(self._anchor)
            except (OSError, JournalUnusable):
                return damaged(self.path, "it was deleted or replaced while it was in use")
        return unusable(self.path, error)

    def _still_there(self, anchor: Anchor) -> None:
        """Writes to a deleted file succeed and are lost: compare what the paths name now."""
        if _inodes(self._files) != self._inodes or not anchor.has_name():
            raise damaged(self.path, "it was deleted or replaced while it was in use")

    def _grown(self) -> Head:
        """The head now, which must continue the one known."""
        now, known = head_of(self._db), self._head
        if now == known:
            return known
        if hash_at(self._db, known.seq).hex() != known.sha256:
            raise damaged(self.path, f"entry {known.seq} was changed while the journal was in use")
        self._numbers = {}
        return now

    def _last_number(self, run: str) -> int:
        if run not in self._numbers:
            self._numbers[run] = last_number(self._db, run)
        return self._numbers[run]

    def _give_up(self, broken: JournalUnusable) -> JournalUnusable:
        """What the disk holds is not known any more: nothing is written from now on."""
        self._roll_back()
        self._broken = broken
        return broken

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._db.rollback()

    def _data_version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])


def _inodes(files: tuple[str, str]) -> tuple[int, int]:
    return os.stat(files[0]).st_ino, os.stat(files[1]).st_ino  # noqa: PTH116 - a tenth of the time
