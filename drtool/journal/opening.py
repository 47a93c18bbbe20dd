"""Open a journal's files, and refuse those that do not belong together."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from drtool.errors import JournalUnusable
from drtool.journal.anchor import Anchor
from drtool.journal.chain import Head
from drtool.journal.database import Identity, connect, identity, make_schema
from drtool.journal.home import secure_directory, secure_file
from drtool.journal.machine import machine_id
from drtool.journal.reading import head_of
from drtool.journal.trouble import damaged, unusable
from drtool.journal.verify import Checked, reason_not_to_believe


@dataclass(frozen=True)
class Opened:
    """An open journal's parts; ``anchor`` is None only for a damaged one."""

    path: Path
    connection: sqlite3.Connection
    anchor: Anchor | None
    identity: Identity
    read_only: bool
    patience: float


def anchor_path(path: Path) -> Path:
    """Where the anchor of a database lies."""
    return path.with_name(path.name + ".anchor")


def open_files(
    path: Path,
    *,
    create: bool,
    read_only: bool,
    damaged_too: bool,
    patience: float,
    checked: Checked | None = None,
) -> Opened:
    """Open database and anchor, and find every entry to be what was written.

    ``checked`` says how much of that this process has done before. Raises JournalUnusable.
    """
    checked = checked or Checked()
    try:
        if read_only:
            return _to_read(path, damaged_too=damaged_too, patience=patience, checked=checked)
        if create:
            secure_directory(path.parent)
        elif not path.exists():
            raise _missing(path)
        return _to_write(path, create=create, patience=patience, checked=checked)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error


def _to_write(path: Path, *, create: bool, patience: float, checked: Checked) -> Opened:
    with ExitStack() as undo:
        anchor = _anchor(path, undo, write=True, create=create)
        secure_file(anchor.path)
        with anchor.locked(patience):
            begun = _begun(path, anchor)
            if begun:
                # to read: a session that may write clears the log away when it is closed, and
                # with it what is left of a journal that is refused
                with closing(connect(path, read_only=True, patience=patience)) as reader:
                    _believed(path, reader, anchor, checked)
            connection = undo.enter_context(
                closing(connect(path, read_only=False, patience=patience))
            )
            if not begun:
                _begin(path, connection, anchor)
            owner, known = _believed(path, connection, anchor, checked)
            head = head_of(connection)
            if head != known:  # committed right before a crash, and not anchored
                anchor.write(owner.journal, known, head)
        undo.pop_all()
        return Opened(path, connection, anchor, owner, read_only=False, patience=patience)


def _to_read(path: Path, *, damaged_too: bool, patience: float, checked: Checked) -> Opened:
    if not path.exists() and not anchor_path(path).exists():
        raise _missing(path)
    with ExitStack() as undo:
        anchor: Anchor | None = None
        if not damaged_too or anchor_path(path).exists():
            anchor = _anchor(path, undo, write=False, create=False)
        # the anchor first: it never runs ahead of the database
        head = anchor.read() if anchor and not damaged_too else None
        connection = undo.enter_context(closing(connect(path, read_only=True, patience=patience)))
        owner = identity(connection, path)
        if anchor and not damaged_too:
            anchor.read(owner.journal)
            _believe(path, connection, head, owner, checked)
        undo.pop_all()
        return Opened(path, connection, anchor, owner, read_only=True, patience=patience)


def _anchor(path: Path, undo: ExitStack, *, write: bool, create: bool) -> Anchor:
    try:
        return undo.enter_context(closing(Anchor(anchor_path(path), write=write, create=create)))
    except FileNotFoundError as error:
        raise damaged(path, "its anchor is gone", str(anchor_path(path))) from error


def _begun(path: Path, anchor: Anchor) -> bool:
    head = anchor.read()
    if head is not None and not path.exists():
        raise damaged(path, f"the database is gone; its anchor speaks of {head.seq} entries")
    return head is not None


def _own(path: Path, connection: sqlite3.Connection) -> Identity:
    owner = identity(connection, path)
    if owner.machine != machine_id():
        raise _foreign(path)
    return owner


def _begin(path: Path, connection: sqlite3.Connection, anchor: Anchor) -> None:
    """Make a new journal, or end making one that was cut short."""
    make_schema(connection)
    if head_of(connection).seq:
        raise damaged(path, "its anchor is empty", str(anchor.path))
    anchor.write(identity(connection, path).journal, Head(), Head())
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _believed(
    path: Path, connection: sqlite3.Connection, anchor: Anchor, checked: Checked
) -> tuple[Identity, Head]:
    """A journal of this machine, and its anchored head."""
    owner = _own(path, connection)
    return owner, _believe(path, connection, anchor.read(owner.journal), owner, checked)


def _believe(
    path: Path,
    connection: sqlite3.Connection,
    anchored: Head | None,
    owner: Identity,
    checked: Checked,
) -> Head:
    """The anchored head, once the whole journal is found to be what was written."""
    if anchored is None:
        raise damaged(path, "its anchor is empty", str(anchor_path(path)))
    connection.execute("BEGIN")  # one view of it, while an engine may go on writing
    try:
        reason = reason_not_to_believe(connection, anchored, checked.head(owner.journal))
        head = head_of(connection)
    finally:
        connection.rollback()
    if reason is not None:
        raise damaged(path, reason)
    checked.take(owner.journal, head)
    return anchored


def _missing(path: Path) -> JournalUnusable:
    return JournalUnusable(
        f"journal {path}",
        "there is none",
        hint="it is made by the first run; if it lies elsewhere: export DRTOOL_HOME=...",
    )


def _foreign(path: Path) -> JournalUnusable:
    return JournalUnusable(
        f"journal {path}",
        "it was written on another machine, and copied",
        "a journal of this machine's own",
        "export DRTOOL_HOME=/a/new/directory and start a new run: it observes every step "
        "and adopts what is done",
    )
