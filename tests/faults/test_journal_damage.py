"""F18 to F20: the log's tail cut or garbled, a bit of the database flipped."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest
from fault_record import Fault

from drtool.clock import SystemClock
from drtool.errors import JournalUnusable
from drtool.journal.store import Journal
from drtool.model.event import Event, StepEnded, Via
from drtool.model.purpose import Outcome
from drtool.redact import Redactor

pytestmark = pytest.mark.faults

TRIES = 400  # of each kind: 800 cut or garbled logs in all
COMMITS = 40
Spoil = Callable[[random.Random, bytes], bytes]


class Maker(Protocol):
    def __call__(self, *, in_log: bool) -> dict[str, bytes]:
        """The files of a journal, its entries in the log or in the database."""


class Copy:
    """A journal as a power cut leaves it: database, log and anchor, and no process that has it."""

    def __init__(self, files: dict[str, bytes], directory: Path) -> None:
        self.files, self.directory = files, directory
        self.path = directory / "journal.sqlite"

    def spoilt(self, name: str, data: bytes) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(mode=0o700)
        for file, whole in self.files.items():
            (self.directory / file).write_bytes(data if file == name else whole)

    def opened(self, *, read_only: bool) -> Journal:
        return Journal.open(self.path, SystemClock(), Redactor(), read_only=read_only)

    def entries_that_plain_sqlite_shows(self) -> int | None:
        """How many, None when it finds the database damaged."""
        copy = self.directory.with_name("plain")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.directory, copy)
        connection = sqlite3.connect(copy / self.path.name)
        try:
            row = connection.execute("SELECT count(*) FROM events").fetchone()
        except sqlite3.DatabaseError:
            return None
        finally:
            connection.close()
        return int(row[0])


def ended(number: int) -> StepEnded:
    seen = {"number": number, "text": "x" * 200}
    return StepEnded(step="s", outcome=Outcome.SUCCEEDED, via=Via.DIRECT, seen=seen)


@pytest.fixture
def files(tmp_path: Path) -> Maker:
    """The files of a journal of forty acknowledged entries, in its log or in its database."""

    def make(*, in_log: bool) -> dict[str, bytes]:
        path = tmp_path / "made" / "journal.sqlite"
        journal = Journal.open(path, SystemClock(), Redactor())
        for number in range(COMMITS):
            journal.append(f"r{number % 3}", ended(number))
        if not in_log:
            journal.close()
        found = {file.name: file.read_bytes() for file in path.parent.iterdir()}
        journal.close()
        found.pop("journal.sqlite-shm", None)
        return found

    return make


def cut(chance: random.Random, log: bytes) -> bytes:
    return log[: chance.randrange(len(log))]


def garbled(chance: random.Random, log: bytes) -> bytes:
    """Some bytes of the tail replaced by others, as a torn or misdirected write leaves them."""
    start = chance.randrange(len(log) // 2, len(log))
    there = log[start : start + chance.randrange(1, 600)]
    other = bytes(byte ^ chance.randrange(1, 256) for byte in there)
    return log[:start] + other + log[start + len(there) :]


@pytest.mark.parametrize("spoil", [cut, garbled], ids=["f18_cut", "f19_garbled"])
def test_f18_f19_a_spoilt_log_is_noticed_each_time(
    spoil: Spoil, files: Maker, tmp_path: Path, fault: Fault
) -> None:
    chance = random.Random(18)
    copy = Copy(files(in_log=True), tmp_path / "copy")
    log = "journal.sqlite-wal"
    shorter = noticed = 0
    for number in range(TRIES):
        copy.spoilt(log, spoil(chance, copy.files[log]))
        if number % 20 == 0:  # what SQLite alone makes of it
            shown = copy.entries_that_plain_sqlite_shows()
            shorter += shown is not None and shown < COMMITS
        with pytest.raises(JournalUnusable) as refused:
            copy.opened(read_only=bool(number % 2))
        noticed += 1
        assert str(copy.path) in refused.value.text()
        assert "restore journal and anchor" in refused.value.hint
        assert "DRTOOL_HOME" in refused.value.hint
    assert shorter >= TRIES // 40, "SQLite itself shows a shorter history and finds nothing wrong"
    fault.injected(f"{TRIES} logs spoilt; SQLite alone shows a shorter history")
    assert noticed == TRIES


def read(journal: Journal) -> list[list[Event]]:
    return [journal.events(run) for run in ("r0", "r1", "r2")]


def flips(data: bytes) -> Iterator[bytes]:
    """The database with one bit the other way, at places all over it."""
    chance = random.Random(20)
    for _ in range(TRIES):
        place = chance.randrange(len(data))
        flipped = data[place] ^ (1 << chance.randrange(8))
        yield data[:place] + bytes([flipped]) + data[place + 1 :]


def test_f20_a_flipped_bit_is_refused_or_changes_no_word_of_the_record(
    files: Maker, tmp_path: Path, fault: Fault
) -> None:
    copy = Copy(files(in_log=False), tmp_path / "copy")
    copy.spoilt("", b"")
    journal = copy.opened(read_only=True)
    true = read(journal)
    journal.close()
    refused = 0
    for number, data in enumerate(flips(copy.files["journal.sqlite"])):
        copy.spoilt("journal.sqlite", data)
        try:
            journal = copy.opened(read_only=bool(number % 2))
        except JournalUnusable:
            refused += 1
            continue
        with suppress(JournalUnusable):
            assert read(journal) == true, f"flip {number}"
        journal.close()
    assert refused > TRIES // 4, "most of the database is record"
    fault.injected(f"{TRIES} times a bit was flipped")
    fault.got(f"{refused} refused when opened, the others changed no word")


def test_f18_a_lost_tail_is_never_written_over(files: Maker, tmp_path: Path, fault: Fault) -> None:
    """What is left stays as evidence, byte for byte, however often somebody tries."""
    copy = Copy(files(in_log=True), tmp_path / "copy")
    log = "journal.sqlite-wal"
    copy.spoilt(log, copy.files[log][:-5000])

    def evidence() -> dict[str, bytes]:
        return {name: (copy.directory / name).read_bytes() for name in copy.files}

    before = evidence()
    for _ in range(3):
        with pytest.raises(JournalUnusable, match="lost"):
            copy.opened(read_only=False)
    assert evidence() == before
    journal = Journal.open(
        copy.path, SystemClock(), Redactor(), create=False, read_only=True, damaged_too=True
    )
    assert journal.head().seq < COMMITS
    assert "lost" in journal.verify()[0]
    fault.injected("the last 5000 bytes of the log are gone")
    journal.close()
