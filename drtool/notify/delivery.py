"""Bring a few notes out by the inventory's ways, without a run that would tell them itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from drtool.notify.account import Account
from drtool.notify.card import Card, Note
from drtool.notify.dispatch import Dispatch
from drtool.notify.ways import Way

PATIENCE_SECONDS = 45.0
_PAUSE_SECONDS = 0.1


def deliver(
    ways: Sequence[Way],
    notes: Iterable[Note],
    board: Callable[[], Card],
    patience: float = PATIENCE_SECONDS,
) -> Account:
    """Make the requests that bring the notes out, in their order; what became of them.

    ``board`` is the first message of their thread. Takes ``patience`` and one request more at
    most, for ways that fail rest in between.
    """
    dispatch, end = Dispatch(ways, board), time.monotonic() + patience
    for note in notes:
        dispatch.put(note)
    dispatch.last()
    while time.monotonic() < end:
        job = dispatch.next(time.monotonic())
        if job is not None:
            dispatch.done(job.send(), time.monotonic())
        elif dispatch.account().settled:
            break
        else:
            time.sleep(_PAUSE_SECONDS)
    return dispatch.account()
