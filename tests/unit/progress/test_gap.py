from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drtool.model.event import Event, Instant, Warned
from drtool.progress.gap import gap_text

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(wall: float, monotonic: float, boot: str = "one") -> Instant:
    return Instant(wall=NOON + timedelta(seconds=wall), monotonic=monotonic, boot=boot)


def events(*moments: Instant) -> list[Event]:
    body = Warned(about="x", text="y")
    return [Event(run="r1", seq=seq, at=one, body=body) for seq, one in enumerate(moments, 1)]


def test_within_one_boot_there_is_nothing_to_say() -> None:
    assert gap_text(events(at(0, 0)), at(50, 50), in_time=True) == ""
    assert gap_text([], at(50, 50), in_time=True) == ""


@pytest.mark.parametrize(
    ("in_time", "service"),
    [
        (True, "a time service keeps this clock"),
        (False, "no time service keeps this clock"),
        (None, "whether a time service keeps this clock is not known"),
    ],
)
def test_across_boots_the_wall_clock_is_told_with_what_keeps_it(
    in_time: bool | None, service: str
) -> None:
    text = gap_text(events(at(0, 100), at(10, 110)), at(310, 5, "two"), in_time=in_time)
    assert "300 s passed by the wall clock since its last entry" in text
    assert "before it, the clock was steady within 1 s" in text
    assert text.endswith(service)


def test_a_clock_that_was_moved_is_told_with_its_skew() -> None:
    text = gap_text(events(at(0, 100), at(130, 110)), at(100, 5, "two"), in_time=True)
    assert "the wall clock stands 30 s before its last entry" in text
    assert "before it, the clock was moved by +120 s" in text
