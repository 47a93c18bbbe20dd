"""A second automatic failover is left to a person; a person is warned and never stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drtool.safety.flapping import PastFailover, reason_not_to_repeat, warning_of_flapping
from drtool.units import Duration

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
DAY = Duration(86400)


def past(minutes: float, *, automatic: bool = False) -> PastFailover:
    return PastFailover(
        run=f"r{minutes:g}", began=NOW - timedelta(minutes=minutes), automatic=automatic
    )


def test_the_first_automatic_failover_is_let_through() -> None:
    assert reason_not_to_repeat("orders", [], NOW, DAY) is None
    assert reason_not_to_repeat("orders", [past(10), past(20)], NOW, DAY) is None
    assert reason_not_to_repeat("orders", [past(25 * 60, automatic=True)], NOW, DAY) is None


def test_the_second_one_is_refused_within_the_window() -> None:
    reason = reason_not_to_repeat("orders", [past(12, automatic=True), past(5)], NOW, DAY)
    assert reason is not None
    assert "failed over automatically 12 min 00 s ago (r12)" in reason
    assert "no second one is started within 1d" in reason


def test_a_clock_that_went_back_opens_no_window() -> None:
    assert reason_not_to_repeat("orders", [past(-5, automatic=True)], NOW, DAY) is not None


def test_a_person_is_warned_after_an_automatic_one_or_several_by_hand() -> None:
    assert warning_of_flapping("orders", [past(10)], NOW, DAY) is None
    warned = warning_of_flapping("orders", [past(10, automatic=True)], NOW, DAY)
    assert warned is not None
    assert "failed over automatically 10 min 00 s ago (r10): it may be flapping" in warned
    often = warning_of_flapping("orders", [past(10), past(20), past(90 * 60)], NOW, DAY)
    assert often is not None
    assert "10 min 00 s ago (r10), 2 times within 1d" in often
