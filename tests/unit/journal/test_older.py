"""A journal that an older drtool wrote can be read, folded and reported by this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from drtool.clock import SystemClock
from drtool.errors import JournalUnusable
from drtool.journal.chain import ROOT, link
from drtool.journal.store import Journal
from drtool.model.event import Event, Warned
from drtool.model.purpose import Outcome
from drtool.progress.explain import explain
from drtool.progress.state import fold
from drtool.redact import Redactor
from drtool.reports.report import report

OLD = Path(__file__).with_name("events_of_0_1_0.jsonl").read_text().splitlines()
RUN = "20261125-101500-8000"


def stored(journal: Journal, *texts: str) -> None:
    """Put entries into an empty journal as an older drtool left them."""
    journal.append(RUN, Warned(about="x", text="y"))
    database = journal._db
    database.execute("DELETE FROM events")
    before = ROOT
    for seq, text in enumerate(texts, 1):
        kind = text.partition('"kind":"')[2].partition('"')[0]
        before = link(before, seq, text)
        database.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (seq, RUN, seq, kind, text, before)
        )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path / "home" / "journal.sqlite", SystemClock(), Redactor())


def test_every_kind_of_event_that_there_was_can_be_read(journal: Journal) -> None:
    stored(journal, *OLD)
    events = journal.events(RUN)
    assert len(events) == len(OLD)
    assert len({event.body.kind for event in events}) == 14
    state = fold(events)
    assert state.ended is not None
    assert state.ended.outcome is Outcome.SUCCEEDED
    assert report(events).run == RUN
    assert explain(state, alive=False).title
    assert [fault for fault in journal.verify() if "anchor" not in fault] == []
    journal.close()


def test_an_event_of_a_newer_drtool_is_told_as_such(journal: Journal) -> None:
    event = Event.model_validate_json(OLD[0])
    newer = OLD[0].replace('"body":{"kind":"run.started"', '"body":{"kind":"run.started","mood":1')
    assert newer != OLD[0]
    stored(journal, newer, *OLD[1:])
    with pytest.raises(JournalUnusable, match="does not know its mood") as refused:
        journal.events(event.run)
    assert "event 1 of run" in refused.value.found
    assert "written by another version of drtool" in refused.value.hint
    journal.close()
