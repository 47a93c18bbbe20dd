"""What an engine leaves of itself every few seconds, beside the chain."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from told_states import Told

from drtool.clock import SystemClock
from drtool.journal.pulse import Pulsing, pulses
from drtool.journal.store import Journal
from drtool.model.purpose import Procedure
from drtool.process import identity
from drtool.redact import Redactor

QUICK = 0.02
STARTED = Told(Procedure.FAILOVER).events[0].body


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path / "home" / "journal.sqlite", SystemClock(), Redactor())


def until(fact: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_engine_leaves_when_it_last_moved_and_which_process_it_is(journal: Journal) -> None:
    with Pulsing(journal.path, "r1", SystemClock(), QUICK):
        until(lambda: pulses(journal.path))
        first = pulses(journal.path)["r1"]
        until(lambda: pulses(journal.path)["r1"].at.monotonic > first.at.monotonic)
    last = pulses(journal.path)["r1"]
    assert (last.pid, last.process) == (os.getpid(), identity(os.getpid()))
    assert last.at.boot == SystemClock().boot_id()
    assert pulses(journal.path)["r1"] == last


def test_a_run_has_one_row_however_long_it_lasts(journal: Journal) -> None:
    with Pulsing(journal.path, "r1", SystemClock(), QUICK), Pulsing(
        journal.path, "r2", SystemClock(), QUICK
    ):  # fmt: skip
        until(lambda: len(pulses(journal.path)) == 2)
    with closing(sqlite3.connect(journal.path)) as connection:
        assert connection.execute("SELECT count(*) FROM pulses").fetchone() == (2,)


def test_it_stands_outside_the_chain(journal: Journal) -> None:
    journal.append("r1", STARTED)
    before = journal.head()
    with Pulsing(journal.path, "r1", SystemClock(), QUICK):
        until(lambda: pulses(journal.path))
        journal.append("r1", STARTED)
    assert journal.head().seq == before.seq + 1
    assert journal.verify() == []


def test_an_old_journal_without_the_table_says_nothing(journal: Journal) -> None:
    assert pulses(journal.path) == {}
    assert pulses(journal.path.with_name("none.sqlite")) == {}


def test_a_journal_that_somebody_keeps_locked_costs_a_beat_and_no_more(journal: Journal) -> None:
    with (
        closing(sqlite3.connect(journal.path, isolation_level=None)) as other,
        Pulsing(journal.path, "r1", SystemClock(), QUICK),
    ):
        until(lambda: pulses(journal.path))
        other.execute("BEGIN IMMEDIATE")
        stuck = pulses(journal.path)["r1"]
        other.execute("ROLLBACK")
        until(lambda: pulses(journal.path)["r1"].at.monotonic > stuck.at.monotonic)


def test_what_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    with Pulsing(tmp_path / "nowhere" / "journal.sqlite", "r1", SystemClock(), QUICK):
        pass
    assert not (tmp_path / "nowhere").exists()
