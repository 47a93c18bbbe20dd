"""Spare a new Prefect server its hundreds of migrations: give it the schema they end with.

Migrating an empty database takes Prefect four seconds of CPU, the schema as text 50 ms. It is
the one of the oldest Prefect that drtool takes; a newer one migrates on from there by itself.
``python -m drtool.lab.prefect_schema DATABASE`` writes it anew from a database that Prefect has
just migrated; an integration test compares the two.
"""

from __future__ import annotations

import sqlite3
import sys
from importlib import resources
from pathlib import Path

_FILE = "prefect_schema.sql"


def create(database: Path) -> None:
    """Make the database with the schema; one that exists is left alone."""
    if database.exists():
        return
    text = resources.files("drtool.lab").joinpath(_FILE).read_text(encoding="utf-8")
    fresh = database.with_name(database.name + ".new")
    connection = sqlite3.connect(fresh)
    connection.execute("pragma journal_mode = wal")
    connection.executescript(text)
    connection.close()
    fresh.replace(database)


def dump(database: Path) -> str:
    """The schema of a migrated, empty database as SQL."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    lines = [line.rstrip() for part in connection.iterdump() for line in part.splitlines()]
    connection.close()
    made_by = "-- Written by python -m drtool.lab.prefect_schema from Prefect's own migrations."
    return "\n".join((made_by, *lines, ""))


if __name__ == "__main__":
    target = Path(__file__).with_name(_FILE)
    target.write_text(dump(Path(sys.argv[1])), encoding="utf-8")
