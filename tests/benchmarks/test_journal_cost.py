"""What an append costs beside the least that it could cost: a bare commit and a bare anchor."""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from drtool.clock import SystemClock
from drtool.journal.store import Journal
from drtool.model.event import StepEnded, Via
from drtool.model.purpose import Outcome
from drtool.redact import Redactor

ENDED = StepEnded(step="promote", outcome=Outcome.SUCCEEDED, via=Via.DIRECT, seconds=0.1)
WARM, PAIRS = 600, 1500


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class Bare:
    """The rival: one row of the same length in one FULL commit, one synced write of 256 bytes."""

    def __init__(self, directory: Path) -> None:
        self._db = sqlite3.connect(directory / "bare.sqlite", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, text TEXT)")
        self._anchor = os.open(directory / "bare.anchor", os.O_RDWR | os.O_CREAT)
        os.pwrite(self._anchor, bytes(8192), 0)
        os.fsync(self._anchor)

    def append(self, text: str) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO events (text) VALUES (?)", (text,))
        self._db.execute("COMMIT")
        os.pwrite(self._anchor, b"a" * 256, 0)
        os.fdatasync(self._anchor)

    def close(self) -> None:
        self._db.close()
        os.close(self._anchor)


@pytest.mark.timeout(300)
def test_an_append_costs_at_most_half_as_much_again_as_a_bare_commit(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.sqlite", SystemClock(), Redactor())
    bare = Bare(tmp_path)
    text = journal.append("warm", ENDED)[0].model_dump_json()
    for _ in range(WARM):  # the logs reach their full length, so that no sync has to extend one
        journal.append("warm", ENDED)
        bare.append(text)
    pairs = [
        (timed(lambda: journal.append("run", ENDED)), timed(lambda: bare.append(text)))
        for _ in range(PAIRS)
    ]
    ours, theirs = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    print(f"\nappend {ours:.3f} ms, bare commit and anchor {theirs:.3f} ms: {ours / theirs:.2f}")
    journal.close()
    bare.close()
    assert ours <= 1.5 * theirs


def test_ten_thousand_events_load_within_four_tenths_of_a_second(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.sqlite", SystemClock(), Redactor())
    for _ in range(100):
        journal.append("run", *[ENDED] * 100)
    took = min(timed(lambda: journal.events("run")) for _ in range(3))
    print(f"\n10,000 events loaded and checked in {took:.3f} s")
    journal.close()
    assert took < 0.4


def test_ten_thousand_events_are_checked_at_an_opening_within_a_tenth_of_a_second(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal.open(path, SystemClock(), Redactor())
    for _ in range(100):
        journal.append("run", *[ENDED] * 100)
    journal.close()

    def opening() -> None:
        Journal.open(path, SystemClock(), Redactor(), read_only=True).close()

    took = min(timed(opening) for _ in range(5))
    print(f"\n10,000 events checked at an opening in {took:.3f} s")
    assert took < 0.1
