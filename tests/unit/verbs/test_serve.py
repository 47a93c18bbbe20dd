"""The engine's process tells of its run only what the journal holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from engine_bench import Bench, step

from drtool.errors import JournalUnusable
from drtool.journal.alone import carry_alone
from drtool.model.event import Body, Event
from drtool.verbs.serve import Ready, execute


@dataclass
class AtHand:
    """What a run has at hand, as far as it is closed at the end."""

    bench: Bench

    def __post_init__(self) -> None:
        self.connections, self.journal = self.bench.connections, self.bench.journal
        self.alone = carry_alone(self.bench.directory, self.bench.run)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_run_is_told_when_its_beginning_is_in_the_journal(bench: Bench) -> None:
    told: list[list[str]] = []
    engine = bench.engine(step("one"))
    assert execute(engine, cast("Ready", AtHand(bench)), lambda: told.append(bench.kinds())) == 0
    assert [kinds[0] for kinds in told] == ["run.started"]


def test_a_run_that_the_journal_does_not_take_is_not_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(run: str, *bodies: Body, after: int) -> tuple[Event, ...]:
        raise JournalUnusable("journal", "the disk is full", hint="free space there")

    monkeypatch.setattr(bench.journal, "append", full)
    told: list[str] = []
    with pytest.raises(JournalUnusable, match="the disk is full"):
        execute(bench.engine(step("one")), cast("Ready", AtHand(bench)), lambda: told.append("r1"))
    assert told == []
    assert bench.lease.released == 1
