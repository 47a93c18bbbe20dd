from __future__ import annotations

import json
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drtool.clock import SystemClock
from drtool.errors import JournalUnusable
from drtool.journal.store import Journal
from drtool.model.event import (
    Event,
    Request,
    RunEnded,
    RunResumed,
    RunStarted,
    StepEnded,
    StepStarted,
    Via,
    Warned,
    World,
)
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.plan import Objectives, Plan
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.redact import MASK, Redactor

STEP = StepStarted(step="promote", via=Via.DIRECT)
INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {"orders": {"preferred": "east"}},
        "sites": {
            "east": {
                "address": "127.0.1.1",
                "systems": {
                    "db": {"kind": "postgresql", "host": "h", "data_directory": "/srv/pg"},
                },
            }
        },
    }
)
PLAN = Plan(
    runbook="orders",
    strategy=None,
    service="orders",
    procedure=Procedure.FAILOVER,
    direction=Direction(from_site="east", to_site="west"),
    objectives=Objectives(),
    inventory=INVENTORY,
    steps=(),
)
STARTED = RunStarted(
    plan=PLAN, mode=Mode.LIVE, requester="ann", host="h", pid=7, version="1", engine="direct"
)


class Frozen(SystemClock):
    def wall(self) -> datetime:
        return datetime(2026, 11, 23, 5, 14, 1, 500_000, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "journal.sqlite"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
def journal(path: Path, redactor: Redactor) -> Iterator[Journal]:
    opened = Journal.open(path, SystemClock(), redactor)
    yield opened
    opened.close()


def again(path: Path, **how: Any) -> Journal:
    return Journal.open(path, SystemClock(), Redactor(), **how)


def request(run: str) -> Request:
    return Request(run=run, verb="approve", step="consent", by="ann", at=datetime.now(UTC))


def test_what_was_appended_is_read_again(journal: Journal) -> None:
    written = journal.append("r1", STARTED, STEP)
    written += journal.append("r1", Warned(about="rto_at_risk", text="three minutes left"))
    assert [event.seq for event in written] == [1, 2, 3]
    assert journal.events("r1") == list(written)
    assert journal.events("r1", after=2) == list(written[2:])
    assert journal.events("no_such_run") == []
    assert journal.verify() == []


def test_nothing_is_written_after_what_another_has_written(journal: Journal, path: Path) -> None:
    journal.append("r1", STARTED, after=0)
    other = again(path)
    other.append("r1", STEP, after=1)
    with pytest.raises(JournalUnusable, match="written up to its event 2, this one knows 1"):
        journal.append("r1", STEP, after=1)
    with pytest.raises(JournalUnusable):
        journal.append("r1", STEP)
    assert len(other.events("r1")) == 2
    assert other.verify() == []
    other.close()


def test_what_was_appended_survives_closing(journal: Journal, path: Path) -> None:
    written = journal.append("r1", STEP)
    journal.close()
    opened = again(path)
    written += opened.append("r1", STEP)
    assert opened.events("r1") == list(written)
    assert opened.verify() == []
    opened.close()


def test_directory_and_files_are_closed_to_others(journal: Journal, path: Path) -> None:
    journal.append("r1", STEP)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_files_that_were_open_to_others_are_closed(journal: Journal, path: Path) -> None:
    journal.close()
    for file in (path.parent, *path.parent.iterdir()):
        file.chmod(0o755)
    again(path).close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_run_ids_are_unique_and_sort_by_time(path: Path) -> None:
    first = Journal.open(path, Frozen(), Redactor())
    second = Journal.open(path, Frozen(), Redactor())
    ids = [opened.new_run_id() for _ in range(3) for opened in (first, second)]
    assert ids[0] == "20261123-051401-8000"
    assert ids == sorted(set(ids))
    first.close()
    second.close()


def test_two_processes_share_one_chain(journal: Journal, path: Path) -> None:
    other = again(path)
    for _ in range(3):
        journal.append("r1", STEP)
        other.append("r2", STEP, STEP)
        other.append("r1", STEP)
    assert [event.seq for event in journal.events("r1")] == [1, 2, 3, 4, 5, 6]
    assert journal.verify() == []
    other.close()
    again(path).close()


def test_threads_append_side_by_side(journal: Journal) -> None:
    def work(run: str) -> None:
        for _ in range(20):
            journal.append(run, STEP)

    threads = [threading.Thread(target=work, args=(f"r{i % 2}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.events("r0")) == len(journal.events("r1")) == 40
    assert journal.verify() == []


def test_a_follower_is_told_cheaply_that_something_changed(journal: Journal, path: Path) -> None:
    follower = again(path, read_only=True)
    assert not follower.changed()
    journal.append("r1", STEP)
    assert follower.changed()
    assert not follower.changed()
    assert len(follower.events("r1")) == 1
    follower.close()


def test_a_reader_cannot_write(journal: Journal, path: Path) -> None:
    journal.append("r1", STEP)
    reader = again(path, read_only=True)
    with pytest.raises(JournalUnusable, match="read only"):
        reader.append("r1", STEP)
    reader.close()


def test_requests_of_other_processes_wait_until_they_are_settled(
    journal: Journal, path: Path
) -> None:
    journal.append("r1", STEP)
    other = again(path)
    asked = other.request(request("r1"))
    assert journal.changed()
    (found,) = journal.pending("r1")
    assert (found.id, found.step, found.by) == (asked, "consent", "ann")
    assert journal.pending("r2") == []
    journal.settle(asked)
    assert journal.pending("r1") == []
    assert journal.verify() == []
    other.close()


def test_runs_and_summaries_are_newest_first(journal: Journal) -> None:
    journal.append("r1", STARTED)
    journal.append("r2", STARTED, STEP)
    journal.append("r1", RunResumed(by="ben", host="h", pid=9, version="1"))
    journal.append("r1", RunEnded(outcome=Outcome.SUCCEEDED, exit_code=0, world=World.RECOVERED))
    assert journal.runs() == ["r2", "r1"]
    second, first = journal.summaries()
    assert (second.run, second.outcome, second.pid) == ("r2", None, 7)
    assert (first.outcome, first.pid, first.world) == (Outcome.SUCCEEDED, 9, World.RECOVERED)
    assert (first.service, first.from_site, first.to_site) == ("orders", "east", "west")
    assert first.ended is not None


def test_a_secret_is_masked_where_it_stands(journal: Journal, redactor: Redactor) -> None:
    redactor.learn('pa"ss\nwörd')
    said = 'login failed: pa"ss\nwörd'
    (event,) = journal.append("r1", Warned(about="x", text=said))
    assert isinstance(event.body, Warned)
    assert event.body.text == f"login failed: {MASK}"
    assert journal.events("r1") == [event]


def test_a_secret_that_is_a_common_word_leaves_the_plan_whole(
    journal: Journal, redactor: Redactor
) -> None:
    for word in ("postgres", "failover", "orders", "live", "warned", "succeeded", "monotonic"):
        redactor.learn(word)
    (event,) = journal.append("r1", STARTED)
    assert isinstance(event.body, RunStarted)
    assert event.body.plan.inventory == INVENTORY
    assert event.body.plan.service == "orders"
    ended = StepEnded(
        step="promote", outcome=Outcome.SUCCEEDED, via=Via.DIRECT, reason="as postgres"
    )
    journal.append("r1", Warned(about="x", text="user postgres"), ended)
    told = [event.body for event in journal.events("r1", after=1)]
    assert [getattr(body, "text", "") or getattr(body, "reason", "") for body in told] == [
        f"user {MASK}",
        f"as {MASK}",
    ]


def test_no_secret_reaches_the_disk(journal: Journal, path: Path, redactor: Redactor) -> None:
    redactor.learn("canary-4711")
    journal.append("r1", Warned(about="x", text="it is canary-4711"))
    journal.request(request("r1").model_copy(update={"reason": "canary-4711"}))
    journal.close()
    assert not [file for file in path.parent.iterdir() if b"canary" in file.read_bytes()]


def test_a_secret_that_is_a_word_of_the_language_breaks_no_request(
    journal: Journal, redactor: Redactor
) -> None:
    for word in ("orders", "approve", "consent", "verb"):
        redactor.learn(word)
    left = request("r1").model_copy(update={"reason": "orders wait"})
    asked = journal.request(left)
    (found,) = journal.pending("r1")
    assert found == left.model_copy(update={"id": asked, "reason": f"{MASK} wait"})


def test_nothing_is_left_of_what_was_typed_when_it_was_dealt_with(
    journal: Journal, path: Path
) -> None:
    asked = journal.request(request("r1").model_copy(update={"reason": "canary-4711"}))
    journal.settle(asked)
    journal.close()
    assert not [file for file in path.parent.iterdir() if b"canary" in file.read_bytes()]


def test_output_that_is_no_text_and_figures_that_are_no_numbers_are_kept(
    journal: Journal,
) -> None:
    broken = b"caf\xe9".decode("utf-8", "surrogateescape")
    ended = StepEnded(
        step="s", outcome=Outcome.FAILED, via=Via.DIRECT, reason=broken, seconds=float("inf")
    )
    (event,) = journal.append("r1", ended)
    assert isinstance(event.body, StepEnded)
    assert event.body.reason == "caf?"
    assert event.body.seconds == float("inf")
    assert journal.events("r1") == [event]


def test_there_is_none(path: Path) -> None:
    for how in ({"create": False}, {"read_only": True}):
        with pytest.raises(JournalUnusable, match="there is none") as raised:
            again(path, **how)
        assert str(path) in raised.value.text()
    assert not path.parent.exists()


def test_stored_text_is_plain_json(journal: Journal, path: Path) -> None:
    (event,) = journal.append("r1", STEP)
    with sqlite3.connect(path) as connection:
        (text,) = connection.execute("SELECT text FROM events").fetchone()
    connection.close()
    assert json.loads(text)["body"]["step"] == "promote"
    assert Event.model_validate_json(text) == event
