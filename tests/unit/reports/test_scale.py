from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drtool.reports.scale import FOLD_WIDTH, Scale, Span, tick_text, worth_folding

moments = st.floats(min_value=-100, max_value=1000, allow_nan=False)


@given(st.floats(0.001, 10_000), st.lists(moments, min_size=2), st.lists(moments, max_size=2))
def test_what_is_later_is_never_further_left(
    end: float, asked: list[float], fold: list[float]
) -> None:
    folds = [Span(min(fold), max(fold))] if len(fold) == 2 else []
    scale = Scale(-10, end, 200, 800, folds)
    drawn = [scale.x(moment) for moment in sorted(asked)]
    assert drawn == sorted(drawn)
    assert all(200 <= x <= 800.1 for x in drawn)


def test_a_fold_has_its_width_and_no_ticks() -> None:
    scale = Scale(0, 100, 0, 1000, [Span(10, 95)])
    assert scale.x(95) - scale.x(10) == pytest.approx(FOLD_WIDTH, abs=0.2)
    assert scale.ticks()
    assert not [tick for tick in scale.ticks() if 10 < tick < 95]


def test_only_long_waits_are_folded() -> None:
    assert worth_folding([Span(1, 2)], 20) == []
    assert worth_folding([Span(1, 60), Span(50, 90)], 100) == [Span(1, 90)]


def test_ticks_read_as_times() -> None:
    assert [tick_text(seconds) for seconds in (0, 0.2, -5, 150)] == [
        "start",
        "+0.2 s",
        "-5 s",
        "+2:30",
    ]
