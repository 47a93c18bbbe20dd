from __future__ import annotations

import threading

import pytest

from drtool.connections.within import within


def test_a_call_in_time_gives_or_raises() -> None:
    assert within(10, lambda: 4) == 4
    assert within(10, lambda: None) is None

    def wrong() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        within(10, wrong)


def test_a_call_that_hangs_is_left_behind() -> None:
    go_on = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.01, go_on.wait)
    go_on.set()
