from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from drtool.clock import SystemClock
from drtool.errors import JournalUnusable
from drtool.journal import anchor as anchoring
from drtool.journal.anchor import Anchor
from drtool.journal.opening import anchor_path
from drtool.journal.store import Journal
from drtool.model.event import Warned
from drtool.redact import Redactor

WORD = Warned(about="x", text="y")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal.open(path, SystemClock(), Redactor(), patience=0.1)
    opened.append("r1", WORD)
    yield opened
    opened.close()


def refused_for_good(journal: Journal) -> JournalUnusable:
    with pytest.raises(JournalUnusable) as first:
        journal.append("r1", WORD)
    with pytest.raises(JournalUnusable) as second:
        journal.append("r1", WORD)
    assert second.value is first.value
    assert str(journal.path) in first.value.text()
    assert first.value.hint
    return first.value


@pytest.mark.parametrize(
    ("code", "said"), [(errno.EIO, "failed to write"), (errno.ENOSPC, "disk is full")]
)
def test_an_anchor_that_cannot_be_synced_ends_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(anchoring, "sync_data", fail)
    with pytest.raises(JournalUnusable, match=said):
        journal.append("r1", WORD)
    monkeypatch.undo()
    assert said in refused_for_good(journal).text()


def test_a_full_database_ends_it(journal: Journal) -> None:
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalUnusable, match="disk is full"):
        journal.append("r1", Warned(about="x", text="z" * 100_000))
    journal._db.execute("PRAGMA max_page_count = 1000000")
    assert "disk is full" in refused_for_good(journal).text()


def test_a_database_locked_by_somebody_ends_it(journal: Journal, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalUnusable, match="locked"):
        journal.append("r1", WORD)
    other.execute("ROLLBACK")
    other.close()
    error = refused_for_good(journal)
    assert f"fuser -v {path}" in error.hint


def test_an_anchor_locked_by_somebody_ends_it(journal: Journal, path: Path) -> None:
    other = Anchor(anchor_path(path), write=True)
    with other.locked(0), pytest.raises(JournalUnusable, match="kept it locked"):
        journal.append("r1", WORD)
    other.close()
    refused_for_good(journal)


GONE: dict[str, Callable[[Path], object]] = {
    "database": lambda path: path.unlink(),
    "log": lambda path: path.with_name(path.name + "-wal").unlink(),
    "anchor": lambda path: anchor_path(path).unlink(),
    "everything": lambda path: shutil.rmtree(path.parent),
    "home": lambda path: path.parent.rename(path.parent.with_name("moved")),
}


@pytest.mark.parametrize("what", GONE)
def test_what_is_deleted_in_mid_run_ends_it(journal: Journal, path: Path, what: str) -> None:
    GONE[what](path)
    refused_for_good(journal)


def test_a_database_put_in_its_place_ends_it(journal: Journal, path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    assert "replaced" in refused_for_good(journal).text()


def test_a_head_changed_underneath_ends_it(journal: Journal, path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("UPDATE events SET hash = zeroblob(32)")
    other.commit()
    other.close()
    assert "changed" in refused_for_good(journal).text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_directory_is_named(path: Path) -> None:
    path.parent.mkdir(mode=0o500)
    with pytest.raises(JournalUnusable, match="permission denied") as raised:
        Journal.open(path, SystemClock(), Redactor())
    assert "DRTOOL_HOME" in raised.value.hint


def test_a_file_where_the_home_should_be_is_named(path: Path) -> None:
    path.parent.write_text("")
    with pytest.raises(JournalUnusable, match=str(path.parent)):
        Journal.open(path, SystemClock(), Redactor())


def test_an_event_that_cannot_be_written_leaves_the_journal_usable(journal: Journal) -> None:
    with pytest.raises(ValidationError):
        journal.append("r1", WORD, "no event")  # type: ignore[arg-type]
    journal.append("r1", WORD)
    assert len(journal.events("r1")) == 2
    assert journal.verify() == []
