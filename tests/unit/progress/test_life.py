"""An engine that is gone, one that does not move, and one that is well are told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drtool.model.event import Instant
from drtool.model.pulse import Life, Living, Process, Pulse
from drtool.progress.life import HUNG_SECONDS, STOPPED_SECONDS, life_sentence, life_title, lives

BEGAN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ENGINE = Process(pid=7, started="42", boot="b")


def at(seconds: float, boot: str = "b") -> Instant:
    return Instant(wall=BEGAN + timedelta(seconds=seconds), monotonic=seconds, boot=boot)


def pulse(seconds: float, engine: Process = ENGINE) -> Pulse:
    return Pulse(run="r1", at=at(seconds, engine.boot), pid=engine.pid, process=engine.started)


def judged(last: Pulse | None, now: Instant, *, there: bool = True, stopped: bool = False) -> Life:
    return lives(ENGINE, last, now, there=there, stopped=stopped)


def test_an_engine_that_has_moved_a_moment_ago_lives() -> None:
    assert judged(pulse(100), at(100 + HUNG_SECONDS)).word is Living.LIVES


def test_an_engine_whose_process_is_gone_is_gone_since_it_last_moved() -> None:
    found = judged(pulse(100), at(101), there=False)
    assert (found.word, found.since) == (Living.GONE, at(100).wall)
    assert judged(None, at(101), there=False).since is None


def test_after_a_reboot_an_engine_is_gone_whatever_process_has_its_number() -> None:
    found = judged(pulse(100), at(5, "another boot"))
    assert (found.word, found.since) == (Living.GONE, at(100).wall)


def test_an_engine_that_is_there_and_has_not_moved_is_hung() -> None:
    found = judged(pulse(100), at(100.1 + HUNG_SECONDS))
    assert (found.word, found.since, found.pid) == (Living.HUNG, at(100).wall, 7)


def test_a_process_that_was_stopped_is_known_sooner_but_not_at_once() -> None:
    assert judged(pulse(100), at(101), stopped=True).word is Living.LIVES
    assert judged(pulse(100), at(100.1 + STOPPED_SECONDS), stopped=True).word is Living.HUNG


def test_a_wall_clock_that_jumps_makes_nobody_hang() -> None:
    now = at(101).model_copy(update={"wall": BEGAN + timedelta(days=1)})
    assert judged(pulse(100), now).word is Living.LIVES


@pytest.mark.parametrize("other", [Process(pid=8, started="42", boot="b"),
                                   Process(pid=7, started="41", boot="b")])  # fmt: skip
def test_what_an_earlier_engine_left_says_nothing_of_this_one(other: Process) -> None:
    assert judged(pulse(1, other), at(100)).word is Living.LIVES


def test_without_a_pulse_the_process_alone_is_judged() -> None:
    assert judged(None, at(9999)).word is Living.LIVES


def test_what_is_told_says_since_when_and_what_to_type() -> None:
    gone = judged(pulse(100), at(101), there=False)
    said = life_sentence(gone, "r1")
    assert said.startswith("its engine is gone since 2026-03-01 03:01:40Z")
    assert "drtool resume r1" in said
    hung = life_sentence(judged(pulse(100), at(200)), "r1")
    assert "does not move since 2026-03-01 03:01:40Z" in hung
    assert "kill -9 7" in hung
    assert "drtool resume r1" in hung
    assert "kill -CONT 7" in life_sentence(judged(pulse(100), at(200), stopped=True), "r1")
    assert life_sentence(judged(pulse(100), at(100)), "r1") == ""
    assert life_title(gone) == "engine gone"
    assert life_title(judged(pulse(100), at(200))) == "engine does not move"
