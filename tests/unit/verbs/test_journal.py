from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drtool.cli.main import app as cli
from drtool.clock import SystemClock
from drtool.errors import BadInput, JournalUnusable
from drtool.journal.home import journal_path
from drtool.journal.store import Journal
from drtool.model.event import Warned
from drtool.redact import Redactor
from drtool.verbs.journal import head, verify


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose journal has six entries of two runs."""
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path / "home"))
    write(tmp_path / "home", "as it was")
    return tmp_path / "home"


def write(home: Path, text: str) -> None:
    journal = Journal.open(journal_path(home), SystemClock(), Redactor())
    for _ in range(3):
        journal.append("r1", Warned(about="x", text=text))
        journal.append("r2", Warned(about="x", text=text))
    journal.close()


def typed(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["journal", *words])
    if isinstance(done.exception, BadInput | JournalUnusable):
        return done.exception.exit_code, done.exception.text()
    return done.exit_code, done.output


def test_a_whole_journal_agrees_with_a_head_that_was_exported(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "head.json"
    assert typed("head", "--output", str(kept))[0] == 0
    write(home, "later")
    code, said = typed("verify", "--head", str(kept))
    assert code == 0
    assert "is whole: 12 entries of 0 runs, as its anchor and " in said
    assert str(kept) in said


def test_a_report_is_as_good_as_a_head(home: Path, tmp_path: Path) -> None:
    known = json.loads(head().text())
    report = tmp_path / "report.json"
    report.write_text(
        json.dumps({"run": "r1", "journal": {k: known[k] for k in ("seq", "sha256")}})
    )
    assert verify((report,)).faults == ()


def test_reports_that_agree_are_counted_and_not_listed(home: Path) -> None:
    (home / "reports").mkdir()
    known = json.loads(head().text())
    text = json.dumps({"run": "r", "journal": {k: known[k] for k in ("seq", "sha256")}})
    for run in ("r1", "r2"):
        (home / "reports" / f"{run}.json").write_text(text)
    assert "as its anchor and 2 reports say" in verify().text()


def test_a_history_written_anew_is_found_by_a_head_kept_elsewhere(
    home: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "head.json"
    head().write(kept)
    for file in home.iterdir():
        file.unlink()
    write(home, "as it never was")
    assert verify().faults == (), "chain and anchor were forged as well"
    code, said = typed("verify", "--head", str(kept))
    assert code == 7
    assert "is of journal" in said


def test_what_the_reports_of_the_home_say_is_compared_too(home: Path) -> None:
    (home / "reports").mkdir()
    report = home / "reports" / "r1.json"
    report.write_text(json.dumps({"journal": {"seq": 4, "sha256": "0" * 64}}))
    (home / "reports" / "torn.json").write_text("{")
    (fault,) = verify().faults
    assert "entry 4 (run r2, event 2) is not the one that the report of run r1" in fault
    assert "was written anew" in fault


def test_each_fault_names_entry_and_run(home: Path) -> None:
    with sqlite3.connect(journal_path(home)) as database:
        database.execute("UPDATE events SET text = replace(text, 'as', 'is') WHERE seq = 3")
        database.execute("DELETE FROM events WHERE seq = 5")
    database.close()
    code, said = typed("verify")
    assert code == 7
    assert "entry 3 (run r1, event 2) is not what was written" in said
    assert "entry 5 is missing" in said
    with pytest.raises(JournalUnusable, match="entry 3") as refused:
        head()
    assert "drtool journal verify" in refused.value.hint


@pytest.mark.parametrize("text", ["", "[]", '{"seq": "x"}', "\xff", '{"journal": {}}'])
def test_a_file_without_a_head_is_bad_input(home: Path, tmp_path: Path, text: str) -> None:
    del home
    file = tmp_path / "head.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match="holds no head"):
        verify((file,))
    with pytest.raises(BadInput, match="cannot be read"):
        verify((tmp_path / "none",))


def test_a_head_that_cannot_be_kept_is_told(home: Path, tmp_path: Path) -> None:
    del home
    with pytest.raises(BadInput, match="cannot be written"):
        head().write(tmp_path)
