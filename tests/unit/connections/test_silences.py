"""What was silent a moment ago is not waited for again at full length."""

from __future__ import annotations

import pytest

from drtool.connections.silences import BRIEF_SECONDS, REMEMBERED_SECONDS, Silences

EAST, WEST = ("192.0.2.1", 22), ("192.0.2.2", 22)


def test_a_silence_is_remembered_for_a_while_and_over_when_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("drtool.connections.silences.time.monotonic", lambda: now)
    known = Silences()
    assert known.patience(EAST, 2.0) == 2.0
    known.note(EAST)
    assert (known.patience(EAST, 2.0), known.patience(WEST, 2.0)) == (BRIEF_SECONDS, 2.0)
    now += REMEMBERED_SECONDS / 2
    known.note(EAST)
    now += REMEMBERED_SECONDS / 2
    assert known.patience(EAST, 2.0) == 2.0
    known.note(EAST)
    known.over(EAST)
    assert known.patience(EAST, 2.0) == 2.0
