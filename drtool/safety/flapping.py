"""Judge whether a service has been failed over too often; connects to nothing.

Invariant: within the window no second automatic failover is let through, however the first one
ended; a person is warned and never stopped.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from drtool.model.value import Value
from drtool.units import Duration, seconds_text

BY_HAND = 2  # failovers by people within the window that look like flapping


class PastFailover(Value):
    """A failover that was begun, whatever became of it."""

    run: str
    began: datetime
    automatic: bool = False


def reason_not_to_repeat(
    service: str, past: Iterable[PastFailover], now: datetime, window: Duration
) -> str | None:
    """A sentence when another automatic failover must be left to a person."""
    recent = [one for one in _within(past, now, window) if one.automatic]
    if not recent:
        return None
    return (
        f"{service} was failed over automatically {_ago(recent[0], now)} ago ({recent[0].run}), "
        f"and no second one is started within {window}: what flaps is for a person to judge"
    )


def warning_of_flapping(
    service: str, past: Iterable[PastFailover], now: datetime, window: Duration
) -> str | None:
    """A sentence for a person who fails over what was failed over not long ago."""
    recent = _within(past, now, window)
    automatic = [one for one in recent if one.automatic]
    if not automatic and len(recent) < BY_HAND:
        return None
    newest = automatic[0] if automatic else recent[0]
    how = "automatically " if newest.automatic else ""
    times = f", {len(recent)} times within {window}" if len(recent) > 1 else ""
    return (
        f"{service} was failed over {how}{_ago(newest, now)} ago ({newest.run}){times}: it may be "
        "flapping; look for the cause before it is moved again"
    )


def _within(past: Iterable[PastFailover], now: datetime, window: Duration) -> list[PastFailover]:
    """Those of the window, newest first; one from the future counts, for clocks jump."""
    since = now - timedelta(seconds=window.seconds)
    return sorted((one for one in past if one.began >= since), key=lambda one: one.began)[::-1]


def _ago(one: PastFailover, now: datetime) -> str:
    return seconds_text(max(0.0, (now - one.began).total_seconds()))
