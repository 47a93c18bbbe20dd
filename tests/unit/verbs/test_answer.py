"""What answers a question names the one that was read."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engine_bench import plan_of, step

from drtool import __version__
from drtool.bootstrap import App, build
from drtool.errors import BadInput
from drtool.model.event import ConsentAsked, ConsentGiven, RunStarted
from drtool.model.purpose import Mode
from drtool.process import identity
from drtool.verbs.answer import Said, answer
from drtool.verbs.follow import following

RUN = "r1"
ASKED = ConsentAsked(
    step="start", what="consent", changes_digest="d1", expires=datetime(2099, 1, 1, tzinfo=UTC)
)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """A home with a run that waits."""
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path))
    app, pid = build(), os.getpid()
    begun = RunStarted(
        plan=plan_of(step("one")), mode=Mode.LIVE, requester="t", host="h", pid=pid,
        process=identity(pid), version=__version__, engine="direct",
    )  # fmt: skip
    journal = app.journal()
    journal.append(RUN, begun, ASKED)
    journal.close()
    return app


def test_an_answer_from_another_terminal(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drtool.verbs.answer.PATIENCE_SECONDS", 0.0)
    answer(RUN, Said("approve", "start", service="orders"))
    (request,) = app.records().pending(RUN)
    assert (request.changes_digest, request.expires) == (ASKED.changes_digest, ASKED.expires)


def test_a_question_that_was_put_aside_before_its_end_is_not_told_to_have_met_it(app: App) -> None:
    given = ConsentGiven(step="start", decision="expired", reason="the engine was gone")
    journal = app.journal()
    journal.append(RUN, given)
    journal.close()
    with pytest.raises(BadInput, match="is not asked any more: the engine was gone"):
        answer(RUN, Said("approve", "start", service="orders"))


def test_an_answer_where_the_run_is_followed(app: App) -> None:
    followed = following(RUN)
    followed.poll()
    followed.answer(ASKED, approve=True, service="orders")
    (request,) = app.records().pending(RUN)
    assert (request.changes_digest, request.expires) == (ASKED.changes_digest, ASKED.expires)
