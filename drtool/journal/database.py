"""The SQLite database of a journal: how it is opened, what stands in it."""

from __future__ import annotations

import os
import sqlite3
import uuid
from pathlib import Path

from drtool.journal.home import secure_file
from drtool.journal.machine import machine_id
from drtool.journal.names import LANDMARKS
from drtool.journal.trouble import damaged
from drtool.model.value import Value

VERSION = 1

_SCHEMA = f"""
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL, journal TEXT NOT NULL, machine TEXT NOT NULL
) STRICT;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  run TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL,
  text TEXT NOT NULL, hash BLOB NOT NULL
) STRICT;  -- without an index on run and number: it would cost each commit a second page
CREATE INDEX landmarks ON events (run) WHERE kind IN {LANDMARKS};
CREATE TABLE names (run TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL, text TEXT NOT NULL, settled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX open_requests ON requests (run) WHERE settled = 0;
"""


class Identity(Value):
    """Which journal this is, and whose."""

    journal: str
    machine: str


def connect(path: Path, *, read_only: bool, patience: float) -> sqlite3.Connection:
    """Open the database; made with mode 0600 when it is not there.

    WAL with synchronous FULL: a commit is one write and one sync of the log. Raises
    sqlite3.Error and OSError as they come.
    """
    if read_only:
        return _connect_to_read(path, patience)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    secure_file(path)
    connection = _connect(path.resolve().as_uri() + "?mode=rw", patience)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS only; nothing elsewhere
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    connection.execute("PRAGMA secure_delete = ON")  # a request that was dealt with is gone
    return connection


def _connect_to_read(path: Path, patience: float) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    connection = _connect(uri + "?mode=ro", patience)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        # WAL wants a shared-memory file; in a directory that cannot be written, and with
        # nobody writing, the database is all there is
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        connection = _connect(uri + "?immutable=1", patience)
    return connection


def _connect(uri: str, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def make_schema(connection: sqlite3.Connection) -> None:
    """Fill an empty database; does nothing to one that has the schema."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _tables(connection):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO meta VALUES (1, ?, ?, ?)", (VERSION, uuid.uuid4().hex, machine_id())
            )
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def identity(connection: sqlite3.Connection, path: Path) -> Identity:
    """Which journal it is; JournalUnusable when it is none, or of another version."""
    if "meta" not in _tables(connection):
        raise damaged(path, "it holds no drtool journal")
    row = connection.execute("SELECT version, journal, machine FROM meta").fetchone()
    if row is None:
        raise damaged(path, "it does not say which journal it is")
    if row[0] != VERSION:
        raise damaged(path, f"its format is version {row[0]}", f"version {VERSION}")
    return Identity(journal=row[1], machine=row[2])


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
