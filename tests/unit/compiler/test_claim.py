"""A step is claimed once, and waits for Prefect no longer than it must."""

from __future__ import annotations

import threading

import pytest

from drtool.compiler.claim import (
    CLAIM_SECONDS,
    MISSES_BEFORE_DIRECT,
    NOT_ANSWERING,
    NOT_UP,
    TOO_LATE,
    Drawn,
    Job,
    Pulse,
)
from drtool.compiler.showing import shown_as
from drtool.model.event import Via
from drtool.model.plan import PlanStep
from drtool.model.purpose import Outcome, Purpose, StepKind
from drtool.units import Duration

STEP = PlanStep(
    name="fence",
    kind=StepKind.ACTION,
    action="postgresql.fence",
    purpose=Purpose.FENCE,
    deadline=Duration(60),
)


DRAWN = Drawn("t", ())


def test_of_many_that_want_a_step_at_once_exactly_one_gets_it() -> None:
    for _ in range(50):
        job = Job(STEP, lambda _via, _reason: None, DRAWN)
        together = threading.Barrier(8)
        won: list[bool] = []

        def grab(job: Job, together: threading.Barrier, won: list[bool]) -> None:
            together.wait()
            won.append(job.claim(Via.PREFECT))

        threads = [threading.Thread(target=grab, args=(job, together, won)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == [False] * 7 + [True]


def test_a_claimed_step_runs_with_what_claimed_it_and_keeps_its_outcome() -> None:
    seen: list[tuple[Via, str]] = []

    def work(via: Via, reason: str) -> Outcome:
        seen.append((via, reason))
        return Outcome.REFUSED

    job = Job(STEP, work, DRAWN)
    assert job.claim(Via.DIRECT, "late")
    job.run()
    assert seen == [(Via.DIRECT, "late")]
    assert job.outcome is Outcome.REFUSED


def test_work_that_was_left_has_no_outcome_and_is_shown_crashed() -> None:
    job = Job(STEP, lambda _via, _reason: None, DRAWN)
    job.claim(Via.PREFECT)
    job.run()
    assert not job.outcome.ended
    assert shown_as(job)[0] == "CRASHED"


def test_work_that_raises_has_failed() -> None:
    def work(_via: Via, _reason: str) -> Outcome:
        raise ValueError("a bug")

    job = Job(STEP, work, DRAWN)
    job.claim(Via.PREFECT)
    with pytest.raises(ValueError, match="a bug"):
        job.run()
    assert job.outcome is Outcome.FAILED


def test_before_prefect_is_up_all_steps_together_wait_for_one_claim() -> None:
    pulse = Pulse()
    assert pulse.patience(100.0) == (CLAIM_SECONDS, NOT_UP)
    assert pulse.patience(100.1)[0] == pytest.approx(CLAIM_SECONDS - 0.1)
    assert pulse.patience(101.0) == (0.0, NOT_UP)


def test_steps_missed_before_prefect_is_up_do_not_count_against_it() -> None:
    pulse = Pulse()
    for _ in range(MISSES_BEFORE_DIRECT):
        pulse.missed()
    pulse.take("flow")
    assert pulse.patience(0) == (CLAIM_SECONDS, TOO_LATE)


def test_a_prefect_that_stops_is_waited_for_twice_and_again_once_it_moves() -> None:
    pulse = Pulse()
    pulse.take("flow")
    for _ in range(MISSES_BEFORE_DIRECT):
        assert pulse.patience(0) == (CLAIM_SECONDS, TOO_LATE)
        pulse.missed()
    assert pulse.patience(0) == (0.0, NOT_ANSWERING)
    pulse.beat()
    assert pulse.patience(0) == (CLAIM_SECONDS, TOO_LATE)


def test_a_prefect_that_has_ended_is_not_waited_for() -> None:
    pulse = Pulse()
    pulse.take("flow")
    pulse.end("Prefect gave up the flow (timed out)")
    assert pulse.patience(0) == (0.0, "Prefect gave up the flow (timed out)")
