"""A run has one engine on a machine, for as long as that one's process lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drtool.errors import BadInput, JournalUnusable
from drtool.journal.alone import carry_alone


def test_a_second_engine_is_refused_until_the_first_lets_the_run_go(tmp_path: Path) -> None:
    first = carry_alone(tmp_path, "r1")
    other = carry_alone(tmp_path, "r2")
    with pytest.raises(BadInput, match="run r1: another engine carries it") as refused:
        carry_alone(tmp_path, "r1")
    assert refused.value.hint == "drtool attach r1"
    first.release()
    carry_alone(tmp_path, "r1").release()
    first.release()
    other.release()
    assert list((tmp_path / "engines").iterdir()) == []


def test_an_engine_that_was_killed_leaves_the_run_to_the_next(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        carry_alone(tmp_path, "r1")
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "engines" / "r1.lock").exists()
    carry_alone(tmp_path, "r1").release()


def test_a_file_that_its_last_engine_took_away_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is opened before the engine that has it leaves, and locked after."""
    before = carry_alone(tmp_path, "r1")
    monkeypatch.setattr("fcntl.flock", lambda fd, how: before.release())
    alone = carry_alone(tmp_path, "r1")
    assert (tmp_path / "engines" / "r1.lock").exists()
    alone.release()


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("")
    with pytest.raises(JournalUnusable, match="engines"):
        carry_alone(tmp_path, "r1")
