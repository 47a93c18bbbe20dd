"""What a pause does to the times of a run, and to its forecast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from engine_bench import chain, plan_of, step

from drtool.model.event import Body, Event, Instant, RunStarted, StepEnded, StepStarted, Via
from drtool.model.plan import Objectives
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.model.steering import RunContinued, RunPaused
from drtool.progress.forecast import forecast
from drtool.progress.objectives import split
from drtool.progress.state import fold
from drtool.progress.waits import waited_seconds
from drtool.units import Duration

BEGIN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
PAUSED, CONTINUED = RunPaused(by="ben", reason="wait"), RunContinued(by="ann")


def moment(second: float) -> Instant:
    return Instant(wall=BEGIN + timedelta(seconds=second), monotonic=1000 + second, boot="b")


def told(*events: tuple[float, Body]) -> list[Event]:
    plan = plan_of(
        *chain(step("one", budget=Duration(10)), step("two", budget=Duration(10))),
        procedure=Procedure.FAILOVER,
        objectives=Objectives(rto=Duration(60)),
    )
    begun = RunStarted(
        plan=plan, mode=Mode.LIVE, requester="t", host="h", pid=1, version="0", engine="direct",
        outage_start=BEGIN,
    )  # fmt: skip
    return [
        Event(run="r", seq=number, at=moment(second), body=body)
        for number, (second, body) in enumerate([(0.0, begun), *events], 1)
    ]


def ran(name: str, begin: float, end: float) -> list[tuple[float, Body]]:
    return [
        (begin, StepStarted(step=name, via=Via.DIRECT)),
        (end, StepEnded(step=name, outcome=Outcome.SUCCEEDED, via=Via.DIRECT)),
    ]


def test_a_pause_is_decision_from_when_nothing_is_under_way() -> None:
    state = fold(told(*ran("one", 0, 8), (5, PAUSED), (20, CONTINUED), *ran("two", 20, 25)))
    assert waited_seconds(state, moment(25)) == pytest.approx(12)
    assert split(state).decision == pytest.approx(12)


def test_a_pause_that_goes_on_counts_up_to_now() -> None:
    state = fold(told(*ran("one", 0, 2), (5, PAUSED)))
    assert state.paused is not None
    assert waited_seconds(state, moment(30)) == pytest.approx(25)


def test_a_pause_beside_a_step_that_never_ended_costs_nobody_time() -> None:
    state = fold(told((0, StepStarted(step="one", via=Via.DIRECT)), (5, PAUSED)))
    assert waited_seconds(state, moment(30)) == 0


def test_the_forecast_of_a_paused_run_holds_only_if_it_is_continued_now() -> None:
    state = fold(told(*ran("one", 0, 2), (5, PAUSED)))
    ahead = forecast(state, moment(55))
    assert (ahead.paused, ahead.rto_at_risk) == (True, True)
    assert ahead.text() == (
        "RTO at risk: the forecast is 1 min 05 s, if the run is continued now, the objective 1m"
    )
    after = fold(told(*ran("one", 0, 2), (5, PAUSED), (6, CONTINUED)))
    assert not forecast(after, moment(7)).paused


def test_a_second_pause_and_a_second_end_change_nothing() -> None:
    state = fold(told((1, PAUSED), (2, PAUSED), (3, CONTINUED), (4, CONTINUED)))
    assert [(one.began, one.over_at) for one in state.pauses] == [(moment(1), moment(3))]
