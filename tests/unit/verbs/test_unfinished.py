"""A refusal names the run that was left half-way: it may be all that stands in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from engine_bench import plan_of, step

from drtool.bootstrap import App, build
from drtool.errors import Refused
from drtool.model.event import Body, RunEnded, RunStarted, World
from drtool.model.purpose import Mode, Outcome
from drtool.process import identity
from drtool.verbs.unfinished import unfinished_first

GONE = "1"
ENDED = RunEnded(outcome=Outcome.SUCCEEDED, exit_code=0, world=World.RECOVERED)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path))
    return build()


def begun(process: str = GONE, mode: Mode = Mode.LIVE) -> RunStarted:
    return RunStarted(
        plan=plan_of(step("one")), mode=mode, requester="t", host="h", version="0",
        engine="direct", pid=os.getpid(), process=process,
    )  # fmt: skip


def hint(app: App, *runs: tuple[Body, ...]) -> str:
    journal = app.journal()
    for run, bodies in enumerate(runs):
        journal.append(f"r{run}", *bodies)
    journal.close()
    with pytest.raises(Refused) as refused, unfinished_first("orders", app):
        raise Refused("failback of orders", "the primary is at east already", hint="as it was")
    return refused.value.hint


def test_the_newest_run_was_left_half_way(app: App) -> None:
    assert hint(app, (begun(), ENDED), (begun(),)) == (
        "run r1 has not ended, and its engine is gone: drtool resume r1"
    )


@pytest.mark.parametrize(
    "runs",
    [
        (),
        ((begun(), ENDED),),
        ((begun(),), (begun(), ENDED)),
        ((begun(identity(os.getpid())),),),
        ((begun(mode=Mode.DRY_RUN),),),
    ],
    ids=["no journal", "ended", "a later one ended", "its engine lives", "a dry-run"],
)
def test_nothing_is_in_the_way(runs: tuple[tuple[Body, ...], ...], app: App) -> None:
    assert hint(app, *runs) == "as it was"
