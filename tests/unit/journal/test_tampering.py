from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drtool.clock import SystemClock
from drtool.errors import JournalUnusable
from drtool.journal import opening
from drtool.journal.anchor import Anchor
from drtool.journal.chain import Head, link
from drtool.journal.opening import anchor_path
from drtool.journal.store import Journal
from drtool.journal.verify import Checked
from drtool.model.event import Warned
from drtool.redact import Redactor


def again(path: Path, **how: Any) -> Journal:
    return Journal.open(path, SystemClock(), Redactor(), patience=0.1, **how)


def word(text: str) -> Warned:
    return Warned(about="x", text=text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed journal of two runs and six events."""
    path = tmp_path / "home" / "journal.sqlite"
    journal = again(path)
    for number in range(3):
        journal.append("r1", word(f"one {number}"))
        journal.append("r2", word(f"two {number}"))
    journal.close()
    return path


@pytest.fixture
def edit(path: Path) -> Callable[[str], None]:
    def execute(statements: str) -> None:
        connection = sqlite3.connect(path)
        connection.executescript(statements)
        connection.close()

    return execute


EDITS = {
    "edited": "UPDATE events SET text = replace(text, 'one 1', 'one 9')",
    "re-stamped": 'UPDATE events SET text = replace(text, \'"wall":"20\', \'"wall":"19\')',
    "deleted": "DELETE FROM events WHERE seq = 3",
    "last deleted": "DELETE FROM events WHERE seq = 6",
    "first deleted": "DELETE FROM events WHERE seq = 1",
    "all deleted": "DELETE FROM events",
    "run deleted": "DELETE FROM events WHERE run = 'r2'",
    "reordered": "UPDATE events SET seq = -seq WHERE seq IN (3, 5);"
    "UPDATE events SET seq = 8 + seq WHERE seq < 0",
    "refiled": "UPDATE events SET run = 'r3' WHERE seq = 6",
    "other kind": "UPDATE events SET kind = 'run.ended' WHERE seq = 6",
    "other hash": "UPDATE events SET hash = zeroblob(32) WHERE seq = 2",
}


# Which entry, which run, what: as it is told.
TOLD = {
    "edited": "entry 3 (run r1, event 2) is not what was written",
    "re-stamped": "entry 1 (run r1, event 1) is not what was written",
    "deleted": "entry 3 is missing; entry 5: before it, event 2 of run r1 should stand",
    "last deleted": "entry 6 is lost: the journal ends at entry 5",
    "first deleted": "entry 1 is missing; entry 3: before it, event 1 of run r1 should stand",
    "all deleted": "entries 1 to 6 are lost: the journal ends at entry 0",
    "run deleted": "entry 6 is lost",
    "reordered": "entry 3 (run r1, event 3) is not what was written",
    "refiled": "entry 6 is filed as event 3 of run r3, warned, and is another",
    "other kind": "entry 6 is filed as event 3 of run r2, run.ended, and is another",
    "other hash": "entry 2 (run r2, event 1) is not what was written",
}


def restamp(path: Path, entry: int) -> None:
    """Change an entry, and hash it and all after it anew."""
    connection = sqlite3.connect(path)
    change = "UPDATE events SET text = replace(text, 'one', 'two') WHERE seq = ?"
    connection.execute(change, (entry,))
    before = bytes(32)
    for seq, text in connection.execute("SELECT seq, text FROM events ORDER BY seq").fetchall():
        before = link(before, seq, text)
        connection.execute("UPDATE events SET hash = ? WHERE seq = ?", (before, seq))
    connection.commit()
    connection.close()


@pytest.mark.parametrize("how", [{}, {"read_only": True}])
@pytest.mark.parametrize("name", EDITS)
def test_what_was_changed_is_found_at_every_opening(
    name: str, how: dict[str, bool], path: Path, edit: Callable[[str], None]
) -> None:
    edit(EDITS[name])
    with pytest.raises(JournalUnusable) as refused:
        again(path, **how)
    assert TOLD[name] in refused.value.found
    assert str(path) in refused.value.text()
    journal = again(path, read_only=True, damaged_too=True)
    assert any(fault in TOLD[name] or TOLD[name] in fault for fault in journal.verify())
    journal.close()


@pytest.mark.parametrize("how", [{}, {"read_only": True}])
def test_a_history_hashed_anew_from_a_point_on_is_found_by_the_anchor(
    how: dict[str, bool], path: Path
) -> None:
    restamp(path, 3)
    with pytest.raises(JournalUnusable, match=r"entry 6 \(run r2, event 3\) .* written anew"):
        again(path, **how)


def test_what_earlier_heads_agree_with_narrows_down_where_it_was_hashed_anew(path: Path) -> None:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT seq, hash FROM events").fetchall()
    connection.close()
    heads = {f"report {seq}": Head(seq, digest.hex()) for seq, digest in rows}
    restamp(path, 3)
    journal = again(path, read_only=True, damaged_too=True)
    first = journal.verify(heads)[0]
    journal.close()
    assert first.startswith("entry 3 (run r1, event 2) is not the one that the report 3")
    assert first.endswith("written anew after entry 2 on")


def test_one_process_looks_at_each_entry_once_and_at_the_new_ones_again(path: Path) -> None:
    checked = Checked()
    again(path, checked=checked).close()
    journal = again(path, checked=checked)
    journal.append("r1", word("new"))
    journal.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE events SET text = replace(text, 'new', 'old') WHERE seq = 7")
    connection.commit()
    connection.close()
    with pytest.raises(JournalUnusable, match="entry 7"):
        again(path, checked=checked, read_only=True)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE events SET hash = zeroblob(32) WHERE seq = 6")
    connection.commit()
    connection.close()
    with pytest.raises(JournalUnusable, match="entry 6 was changed while"):
        again(path, checked=checked, read_only=True)


@pytest.mark.parametrize("name", ["edited", "re-stamped", "deleted", "refiled"])
def test_a_changed_run_is_not_loaded(name: str, path: Path, edit: Callable[[str], None]) -> None:
    edit(EDITS[name])
    journal = again(path, read_only=True, damaged_too=True)
    with pytest.raises(JournalUnusable, match=r"run r\d"):
        [journal.events(run) for run in ("r1", "r2", "r3")]
    journal.close()


@pytest.mark.parametrize("how", [{}, {"read_only": True}])
@pytest.mark.parametrize("name", ["last deleted", "all deleted"])
def test_a_shorter_journal_is_refused(
    name: str, how: dict[str, bool], path: Path, edit: Callable[[str], None]
) -> None:
    edit(EDITS[name])
    with pytest.raises(JournalUnusable, match="lost") as raised:
        again(path, **how)
    assert str(path) in raised.value.text()
    assert "DRTOOL_HOME" in raised.value.hint


def test_a_commit_that_was_not_anchored_is_anchored_at_the_next_opening(path: Path) -> None:
    before = anchor_path(path).read_bytes()
    journal = again(path)
    journal.append("r1", word("acknowledged only by the database"))
    head = journal.head()
    journal.close()
    anchor_path(path).write_bytes(before)  # as a crash between commit and anchor leaves it
    journal = again(path)
    assert len(journal.events("r1")) == 4
    assert journal.verify(head) == []
    journal.close()
    assert anchor_path(path).read_bytes() != before


def test_a_torn_anchor_falls_back_to_the_record_before(path: Path) -> None:
    anchor = Anchor(anchor_path(path), write=True)
    newest = anchor.read()
    anchor.close()
    assert newest is not None
    data = anchor_path(path).read_bytes()
    place = data.index(newest.sha256.encode())
    anchor_path(path).write_bytes(data[: place + 20] + bytes(60) + data[place + 80 :])
    journal = again(path)
    assert journal.verify() == []
    journal.close()


@pytest.mark.parametrize("data", [b"", b"x" * 8192])
def test_a_lost_anchor_is_refused(path: Path, data: bytes) -> None:
    anchor_path(path).write_bytes(data)
    for how in ({}, {"read_only": True}):
        with pytest.raises(JournalUnusable, match="anchor"):
            again(path, **how)


def test_an_anchor_that_is_gone_is_refused(path: Path) -> None:
    anchor_path(path).unlink()
    for how in ({}, {"read_only": True}, {"create": False}):
        with pytest.raises(JournalUnusable, match="anchor"):
            again(path, **how)
        anchor_path(path).unlink(missing_ok=True)


def test_another_journals_anchor_is_refused(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "journal.sqlite"
    journal = again(other)
    journal.append("r1", word("x"))
    journal.close()
    shutil.copy(anchor_path(other), anchor_path(path))
    with pytest.raises(JournalUnusable, match="anchors journal"):
        again(path)


def test_a_deleted_database_is_refused_and_not_begun_anew(path: Path) -> None:
    path.unlink()
    with pytest.raises(JournalUnusable, match="6 entries"):
        again(path)
    assert not path.exists()


def test_an_exported_head_finds_a_history_written_anew(path: Path, tmp_path: Path) -> None:
    journal = again(path)
    exported = journal.head()
    assert journal.verify(exported) == []
    journal.close()
    other = again(tmp_path / "other" / "journal.sqlite")
    for number in range(3):
        other.append("r1", word(f"one {number}"))
        other.append("r2", word(f"two {number}"))
    assert other.verify() == []
    assert "exported head" in other.verify(exported)[0]
    assert "exported head" in other.verify(Head(99, exported.sha256))[0]
    other.close()


def test_another_machines_copy_is_refused_for_writing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "machine_id", lambda: "elsewhere")
    with pytest.raises(JournalUnusable, match="another machine") as raised:
        again(path)
    assert "new run" in raised.value.hint
    reader = again(path, read_only=True)
    assert len(reader.events("r1")) == 3
    reader.close()


def test_something_else_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "home" / "journal.sqlite"
    path.parent.mkdir()
    path.write_bytes(os.urandom(5000))
    with pytest.raises(JournalUnusable, match="not a drtool journal"):
        again(path)
