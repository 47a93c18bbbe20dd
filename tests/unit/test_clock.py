"""What a machine sleeps through counts where an outage goes on meanwhile, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_bench import Bench, approval, chain, plan_of, step
from told_states import Told

from drtool.clock import SystemClock, seconds_passed, seconds_suspended
from drtool.journal.pulse import Pulsing, pulses
from drtool.journal.store import Journal
from drtool.model.event import Event, Instant, StepEnded
from drtool.model.purpose import Procedure
from drtool.progress.forecast import forecast
from drtool.progress.moments import seconds_between
from drtool.progress.objectives import downtime_seconds, recovery_seconds
from drtool.progress.state import fold
from drtool.redact import Redactor
from drtool.testing import MovableClock

SLEPT = 1200.0


def sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = seconds_suspended() + SLEPT
    monkeypatch.setattr("drtool.clock.seconds_suspended", lambda: asleep)


def written_at_last(event: Event, clock: MovableClock) -> StepEnded:
    assert isinstance(event.body, StepEnded)
    return event.body.model_copy(update={"answered": Instant.now(clock)})


def test_a_sleep_between_two_events_counts_in_recovery_time_and_downtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovableClock()
    told = Told(Procedure.FAILOVER).through(6).events
    measured: list[list[float | None]] = []
    for slept in (False, True):
        journal = Journal.open(tmp_path / f"{slept}.sqlite", clock, Redactor())
        journal.append("r1", *(event.body for event in told[:-6]))
        clock.move(5)  # the clock goes on from one run to the next, their outages began together
        if slept:
            sleep(monkeypatch)
        journal.append("r1", *(event.body for event in told[-6:-1]))
        journal.append("r1", written_at_last(told[-1], clock))
        state = fold(journal.events("r1"))
        journal.close()
        elapsed = forecast(state, Instant.now(clock)).elapsed_seconds
        measured.append([recovery_seconds(state), downtime_seconds(state), elapsed])
    more = [(later or 0.0) - (before or 0.0) for before, later in zip(*measured, strict=True)]
    assert more == [pytest.approx(SLEPT + extra) for extra in (5, 0, 5)]


def test_a_sleep_ends_no_question_and_counts_in_what_a_step_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    running = bench.in_background(
        bench.engine(plan=plan_of(*chain(approval("consent"), step("one"))))
    )
    bench.until(lambda: bench.asked("consent"))
    sleep(monkeypatch)
    bench.ask("approve", "consent")
    assert running.wait().exit_code == 0
    events = bench.events
    assert seconds_between(events[0].at, events[-1].at) >= SLEPT
    assert bench.state.step("consent").seconds >= SLEPT
    assert bench.state.step("one").seconds < SLEPT


def test_a_pulse_is_not_old_by_a_sleep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, path = SystemClock(), tmp_path / "journal.sqlite"
    Journal.open(path, clock, Redactor()).close()
    sleep(monkeypatch)
    with Pulsing(path, "r1", clock, 0.01):
        while "r1" not in pulses(path):
            clock.sleep(0.01)
    assert pulses(path)["r1"].at.monotonic <= clock.monotonic()
    assert seconds_passed(clock) - clock.monotonic() >= SLEPT - 1


def test_the_time_asleep_does_not_jitter() -> None:
    assert len({seconds_suspended() for _ in range(1000)}) == 1
