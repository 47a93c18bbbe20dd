"""What the journal tells of runs."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engine_bench import plan_of, step
from told_states import Told

from drtool.bootstrap import App, build
from drtool.cli.overview import services as show_services
from drtool.model.event import Body, RunResumed, RunStarted, World
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.process import identity
from drtool.units import Duration
from drtool.verbs.records import engine_lives, explanation, find, list_runs, services
from drtool.verbs.watch.runs import findings_of_runs


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


def test_explain_says_that_another_run_has_begun_since(app: App) -> None:
    told(app, Told(Procedure.FAILOVER).through(7))
    first = list_runs(app).runs[0].run
    assert explanation(first).later == ""
    told(app, Told(Procedure.REPROTECT).through(2))
    second = list_runs(app).runs[0].run
    assert explanation(second).later == ""
    assert explanation(first).later == (
        f"This is how run {first} left it. Since then there was reprotect {second}: succeeded; "
        f"for how things stand now: drtool explain {second}"
    )
    third = written(app, started("1"))
    assert f"there was failover {third}, which has not ended" in explanation(first).later


def test_a_run_that_has_not_ended_comes_before_a_later_one_that_changed_nothing(app: App) -> None:
    left = written(app, started("1"))
    told(app, Told(Procedure.FAILOVER))
    assert find("last") == left
    assert services().services[0].last.run == left
    told(app, Told(Procedure.FAILOVER).through(7))
    assert find("last") != left
    assert services().services[0].last.run != left


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


def in_doubt(procedure: Procedure, at: int) -> Told:
    run = Told(procedure).through(at)
    return run.begin(run.steps[at]).end(run.steps[at], Outcome.IN_DOUBT)


def said_of_services(capsys: pytest.CaptureFixture[str]) -> str:
    show_services(services())
    return " ".join(capsys.readouterr().out.split())


def test_a_failover_that_promoted_and_ended_in_doubt_leaves_it_unprotected(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    told(app, Told(Procedure.REPROTECT).through(2))
    told(app, in_doubt(Procedure.FAILOVER, 4))
    (orders,) = services().services
    assert orders.last.world is World.IN_DOUBT
    assert (orders.unprotected_since is None, orders.doubtful) == (False, "")
    assert "drtool reprotect" in orders.reprotect
    assert "protected, by" not in said_of_services(capsys)


def test_a_promotion_in_doubt_leaves_the_standby_in_doubt(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    told(app, Told(Procedure.REPROTECT).through(2))
    told(app, in_doubt(Procedure.FAILOVER, 3))
    (orders,) = services().services
    assert orders.unprotected_since is not None
    assert (orders.doubtful, orders.reprotect) == (orders.last.run, "")
    said = said_of_services(capsys)
    assert "not known: count it as unprotected" in said
    assert f"drtool explain {orders.doubtful}" in said
    (found,) = findings_of_runs(app, datetime.now(UTC), Duration(60))
    assert found.commands == (f"drtool explain {orders.doubtful}",)
    assert "count it as unprotected" in found.text


@pytest.mark.parametrize("how", [Outcome.IN_DOUBT, Outcome.FAILED])
def test_a_reprotect_that_was_not_seen_through_does_not_protect(app: App, how: Outcome) -> None:
    told(app, Told(Procedure.REPROTECT).through(2))
    run = Told(Procedure.REPROTECT)
    told(app, run.begin(run.steps[0]).end(run.steps[0], how))
    (orders,) = services().services
    assert orders.doubtful == orders.last.run
    assert "drtool reprotect" in orders.reprotect
    told(app, Told(Procedure.REPROTECT).through(2))
    assert services().services[0].unprotected_since is None


def test_an_unprotected_service_stays_so_behind_doubt_and_behind_a_rehearsal(app: App) -> None:
    told(app, Told(Procedure.FAILOVER).through(7))
    since = services().services[0].unprotected_since
    told(app, in_doubt(Procedure.REPROTECT, 0))
    told(app, Told(Procedure.REHEARSAL).through(3))
    (orders,) = services().services
    assert (orders.unprotected_since, orders.doubtful) == (since, "")


def test_a_run_in_doubt_that_promoted_nobody_says_nothing_of_the_standby(app: App) -> None:
    told(app, Told(Procedure.REPROTECT).through(2))
    told(app, in_doubt(Procedure.FAILOVER, 2))
    assert services().services[0].unprotected_since is None
