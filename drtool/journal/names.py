"""The few names that a shell completes, read without anything heavy: milliseconds count here."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

LANDMARKS = ("run.started", "run.resumed", "run.ended", "report.written")
MOST = 40


def newest_runs(journal: Path) -> list[str]:
    """The newest run ids; none when the journal cannot be read now."""
    rows = _rows(journal, "SELECT run FROM names ORDER BY run DESC LIMIT ?", (MOST,))
    return [row[0] for row in rows]


def steps_planned(journal: Path, run: str) -> list[str]:
    """The steps of a run in the plan's order; ``run`` may be ``last``."""
    found = _named(journal, run)
    begin = f"SELECT text FROM events WHERE run = ? AND kind IN {LANDMARKS} AND number = 1"  # noqa: S608
    rows = _rows(journal, begin, (found,)) if found else []
    return [step["name"] for row in rows for step in json.loads(row[0])["body"]["plan"]["steps"]]


def steps_asked(journal: Path, run: str) -> list[str]:
    """The steps of a run that asked somebody, the newest first; ``run`` may be ``last``."""
    found = _named(journal, run)
    if not found:
        return []
    begin = f"SELECT seq FROM events WHERE run = ? AND kind IN {LANDMARKS} AND number = 1"  # noqa: S608
    asked = (
        "SELECT text FROM events WHERE seq >= ? AND run = ? AND kind = 'consent.asked'"
        " ORDER BY seq DESC"
    )
    first = _rows(journal, begin, (found,))
    rows = _rows(journal, asked, (first[0][0] if first else 1, found))
    return list(dict.fromkeys(json.loads(row[0])["body"]["step"] for row in rows))


def _named(journal: Path, run: str) -> str:
    """The run whose id begins so, or the last one; "" when there is none."""
    known = newest_runs(journal)
    found = known[:1] if run == "last" else [one for one in known if one.startswith(run)]
    return found[0] if found else ""


def _rows(journal: Path, query: str, values: tuple[object, ...]) -> list[tuple[str, ...]]:
    if not journal.exists():
        return []
    try:
        uri = f"{journal.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=0.05)) as connection:
            return list(connection.execute(query, values))
    except sqlite3.Error:
        return []
