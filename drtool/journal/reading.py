"""Read what a journal holds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from drtool.journal.chain import ROOT, Head, link
from drtool.journal.database import LANDMARKS
from drtool.journal.summary import RunSummary
from drtool.journal.trouble import damaged
from drtool.model.event import Event, Instant, World
from drtool.model.place import Direction
from drtool.model.purpose import Mode, Outcome, Procedure

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
        raise damaged(path, f"an event of run {run} cannot be read") from error
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


class _Plan(BaseModel):
    runbook: str
    service: str
    procedure: Procedure
    direction: Direction


class _Body(BaseModel):
    """The few fields of a landmark that a list shows; the rest is not even built."""

    kind: str
    plan: _Plan | None = None
    mode: Mode = Mode.LIVE
    requester: str = ""
    host: str = ""
    pid: int = 0
    process: str = ""
    outcome: Outcome | None = None
    world: World | None = None
    exit_code: int | None = None
    html: str = ""


class _Landmark(BaseModel):
    at: Instant
    body: _Body


def summaries_of(connection: sqlite3.Connection) -> list[RunSummary]:
    """One summary for each run, newest first."""
    found: dict[str, RunSummary] = {}
    rows = connection.execute(
        f"SELECT run, text FROM events WHERE kind IN {LANDMARKS} ORDER BY seq"  # noqa: S608
    )
    for run, text in rows:
        mark = _Landmark.model_validate_json(text)
        known = found.get(run)
        if mark.body.plan is not None:
            found[run] = _started(run, mark, mark.body.plan)
        elif known is not None:
            found[run] = known.model_copy(update=_later(mark))
    return list(reversed(found.values()))


def _started(run: str, mark: _Landmark, plan: _Plan) -> RunSummary:
    body = mark.body
    return RunSummary(
        run=run,
        service=plan.service,
        runbook=plan.runbook,
        procedure=plan.procedure,
        mode=body.mode,
        from_site=plan.direction.from_site,
        to_site=plan.direction.to_site,
        requester=body.requester,
        started=mark.at,
        pid=body.pid,
        process=body.process,
        host=body.host,
        boot=mark.at.boot,
    )


def _later(mark: _Landmark) -> dict[str, object]:
    body = mark.body
    if body.kind == "run.resumed":
        engine = {"pid": body.pid, "process": body.process, "host": body.host}
        gone = {"ended": None, "outcome": None, "world": None, "exit_code": None}
        return {**engine, "boot": mark.at.boot, **gone}
    if body.kind == "run.ended":
        end = {"outcome": body.outcome, "world": body.world, "exit_code": body.exit_code}
        return {"ended": mark.at, **end}
    return {"report": body.html}
