"""Read what a journal holds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from drtool.errors import JournalUnusable
from drtool.journal.chain import ROOT, Head, link
from drtool.journal.names import LANDMARKS
from drtool.journal.trouble import damaged
from drtool.model.event import Event

_EVENTS = TypeAdapter(list[Event])


def head_of(connection: sqlite3.Connection) -> Head:
    """The last entry's number and hash."""
    row = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(seq=row[0], sha256=row[1].hex()) if row else Head()


def hash_at(connection: sqlite3.Connection, seq: int) -> bytes:
    """The stored hash of an entry; that of the root for 0, nothing when there is no such entry."""
    if seq == 0:
        return ROOT
    row = connection.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
    return bytes(row[0]) if row else b""


def events_of(connection: sqlite3.Connection, path: Path, run: str, after: int) -> list[Event]:
    """A run's events after that number; JournalUnusable when one is not what was written."""
    rows = connection.execute(
        "SELECT e.seq, e.number, e.text, e.hash, p.hash FROM events e"
        " LEFT JOIN events p ON p.seq = e.seq - 1"
        " WHERE e.seq >= ? AND e.run = ? AND e.number > ? ORDER BY e.seq",
        (_begin_of(connection, run) + after, run, after),
    ).fetchall()
    for expected, (seq, number, text, digest, before) in enumerate(rows, after + 1):
        if number != expected or link(before or ROOT, seq, text) != digest:
            raise damaged(path, f"event {number} of run {run} is not what was written")
    try:
        events = _EVENTS.validate_json(f"[{','.join(row[2] for row in rows)}]")
    except ValidationError as error:
        place, *_, field = error.errors()[0]["loc"]
        raise JournalUnusable(
            f"journal {path}",
            f"event {after + 1 + int(place)} of run {run} cannot be read: this drtool does not "
            f"know its {field}",
            hint="it was written by another version of drtool: use that one",
        ) from error
    for expected, event in enumerate(events, after + 1):
        if event.run != run or event.seq != expected:
            raise damaged(path, f"event {event.seq} of run {event.run} stands in run {run}")
    return events


def last_number(connection: sqlite3.Connection, run: str) -> int:
    """The number of a run's last event; 0 when it has none."""
    row = connection.execute(
        "SELECT max(number) FROM events WHERE seq >= ? AND run = ?",
        (_begin_of(connection, run), run),
    ).fetchone()
    return int(row[0] or 0)


def _begin_of(connection: sqlite3.Connection, run: str) -> int:
    """The journal's number of a run's first event, by the index of landmarks; else 1.

    A run's event number n cannot stand before n - 1 entries further.
    """
    row = connection.execute(
        f"SELECT seq FROM events WHERE run = ? AND kind IN {LANDMARKS} AND number = 1",  # noqa: S608
        (run,),
    ).fetchone()
    return int(row[0]) if row else 1


def runs_of(connection: sqlite3.Connection) -> list[str]:
    """All run ids, newest first."""
    rows = connection.execute(
        f"SELECT run FROM events WHERE kind IN {LANDMARKS}"  # noqa: S608
        " AND kind = 'run.started' AND number = 1 ORDER BY seq DESC"
    )
    return [row[0] for row in rows]
