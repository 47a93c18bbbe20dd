"""What the journal tells of runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from engine_bench import plan_of, step
from told_states import Told

from drtool.bootstrap import App, build
from drtool.cli.overview import services as show_services
from drtool.model.event import Body, RunResumed, RunStarted
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.process import identity
from drtool.verbs.records import engine_lives, services


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


def told(app: App, run: Told) -> None:
    run.over()
    written(app, *(event.body for event in run.events))


def failed_over(stopped_at: int) -> Told:
    run = Told(Procedure.FAILOVER).through(stopped_at)
    return run.begin(run.steps[stopped_at]).end(run.steps[stopped_at], Outcome.FAILED)


def test_a_failover_leaves_the_service_unprotected_until_reprotect_has_run(app: App) -> None:
    assert services().services == ()
    told(app, Told(Procedure.FAILOVER).through(7))
    (orders,) = services().services
    assert orders.unprotected_since is not None
    assert orders.reprotect.startswith("drtool reprotect '/runs/books/or ders.yaml' ")
    assert orders.reprotect.endswith(" --from east --to west")
    told(app, Told(Procedure.REPROTECT).through(2))
    (orders,) = services().services
    assert (orders.unprotected_since, orders.reprotect) == (None, "")


def test_a_failover_that_promoted_and_failed_leaves_it_unprotected_too(app: App) -> None:
    told(app, failed_over(4))
    assert services().services[0].unprotected_since is not None


def test_nothing_is_said_of_protection_while_a_run_is_open(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Told(Procedure.FAILOVER).through(4)
    written(app, *(event.body for event in run.events))
    show_services(services())
    said = " ".join(capsys.readouterr().out.split())
    assert "not known until that run is over" in said
    assert "protected, by" not in said


def test_while_the_standby_is_brought_back_nobody_is_told_to_begin_that_again(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    told(app, Told(Procedure.FAILOVER).through(7))
    written(app, *(event.body for event in Told(Procedure.REPROTECT).through(1).events))
    show_services(services())
    said = " ".join(capsys.readouterr().out.split())
    assert "unprotected for" in said
    assert "drtool attach" in said
    assert "drtool reprotect" not in said


def test_a_failover_that_promoted_nobody_changes_nothing_of_that(app: App) -> None:
    told(app, Told(Procedure.SWITCHOVER).through(6))
    told(app, failed_over(0))
    assert services().services[0].unprotected_since is None
