"""The head of the journal, kept outside the database.

SQLite falls back to a shorter valid history when the tail of its write-ahead log is lost; only
something outside it can tell. The anchor is a file of two records of fixed size, written in turn
and in place, so that a torn write spoils one and leaves the other: each write is one ``pwrite``
and one ``fdatasync``, and no metadata changes. A record is one line of ASCII::

    drtool-anchor 1 JOURNAL-ID SEQUENCE SHA-256 CRC-32
"""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drtool.journal.chain import Head
from drtool.journal.trouble import damaged, locked

_RECORD = 256
_APART = 4096  # a sector each
_MAGIC = "drtool-anchor 1"
_POLL = 0.002
_FULL = getattr(fcntl, "F_FULLFSYNC", None)  # macOS, whose fsync stops at the drive's cache


class Anchor:
    """The anchor file, and the lock between processes that its descriptor carries."""

    def __init__(self, path: Path, *, write: bool, create: bool = False) -> None:
        flags = os.O_CLOEXEC | (os.O_RDWR if write else os.O_RDONLY)
        self.path = path
        self._newest: tuple[Head, int] | None = None
        self._fd = os.open(path, flags | (os.O_CREAT if create else 0), 0o600)

    @contextmanager
    def locked(self, patience: float) -> Iterator[None]:
        """Hold the journal against other processes; JournalUnusable after ``patience`` seconds."""
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    raise locked(self.path, patience) from error
                time.sleep(_POLL)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def write(self, journal: str, before: Head, head: Head) -> None:
        """Replace the older record and have it on the disk; raises OSError.

        ``before`` is the head that this one follows: as long as it is what was written here
        last, no other process has written since, and the places need not be read again.
        """
        line = f"{_MAGIC} {journal} {head.seq:020d} {head.sha256}"
        data = f"{line} {zlib.crc32(line.encode()):08x}".ljust(_RECORD - 1).encode() + b"\n"
        known = self._newest
        place = 1 - known[1] if known and known[0] == before else self._older()
        os.pwrite(self._fd, data, place * _APART)
        sync_data(self._fd)
        self._newest = head, place

    def read(self, journal: str | None = None) -> Head | None:
        """The newest whole record; None for a file that was never written.

        Raises JournalUnusable when no record is whole, or it is another journal's.
        """
        places = self._records()
        if not any(data.strip(b"\0") for data in places):
            return None
        found = [record for data in places if (record := _parse(data)) is not None]
        if not found:
            raise damaged(self.path, "neither of the anchor's records is whole")
        owner, head = max(found, key=lambda record: record[1].seq)
        if journal is not None and owner != journal:
            raise damaged(self.path, f"it anchors journal {owner}", f"journal {journal}")
        return head

    def _records(self) -> list[bytes]:
        return [os.pread(self._fd, _RECORD, place * _APART) for place in (0, 1)]

    def _older(self) -> int:
        """The place to write next: that of the older record, or of the one that is not whole."""
        seqs = [
            -1 if (record := _parse(data)) is None else record[1].seq for data in self._records()
        ]
        return seqs.index(min(seqs))

    def has_name(self) -> bool:
        """Whether the open file still has a name."""
        return os.fstat(self._fd).st_nlink > 0

    def close(self) -> None:
        """Close the file, and so drop the lock."""
        os.close(self._fd)


def _parse(data: bytes) -> tuple[str, Head] | None:
    try:
        line = data.decode("ascii").rstrip()
        text, _, crc = line.rpartition(" ")
        if not text.startswith(_MAGIC + " ") or int(crc, 16) != zlib.crc32(text.encode()):
            return None
        journal, seq, sha256 = text.removeprefix(_MAGIC + " ").split(" ")
        return journal, Head(seq=int(seq), sha256=sha256)
    except ValueError:
        return None


def sync_data(fd: int) -> None:
    """Have a file's data on the disk; raises OSError."""
    if _FULL is not None:
        fcntl.fcntl(fd, _FULL)
    else:
        os.fdatasync(fd)
