"""What the journal tells of runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from engine_bench import plan_of, step

from drtool.bootstrap import App, build
from drtool.model.event import Body, RunResumed, RunStarted
from drtool.model.purpose import Mode
from drtool.process import identity
from drtool.verbs.records import engine_lives


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path))
    return build()


def written(app: App, *bodies: Body) -> str:
    journal = app.journal()
    run = journal.new_run_id()
    journal.append(run, *bodies)
    journal.close()
    return run


def started(process: str) -> RunStarted:
    return RunStarted(
        plan=plan_of(step("one")), mode=Mode.LIVE, requester="t", host="h", version="0",
        engine="direct", pid=os.getpid(), process=process,
    )  # fmt: skip


def test_an_engine_lives_as_long_as_its_own_process(app: App) -> None:
    assert engine_lives(written(app, started(identity(os.getpid()))), app)
    assert not engine_lives(written(app, started("1")), app)


def test_an_engine_that_wrote_nothing_but_its_process_id_is_known_by_that(app: App) -> None:
    assert engine_lives(written(app, started("")), app)


def test_the_engine_that_took_a_run_up_is_the_one_that_counts(app: App) -> None:
    resumed = RunResumed(
        by="t", host="h", version="0", pid=os.getpid(), process=identity(os.getpid())
    )
    assert engine_lives(written(app, started("1"), resumed), app)
