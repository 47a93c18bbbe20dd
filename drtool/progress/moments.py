"""Measure between moments: by the monotonic clock within one boot, by wall time across boots."""

from __future__ import annotations

from datetime import datetime

from drtool.model.event import Instant


def seconds_between(earlier: Instant, later: Instant) -> float:
    """Seconds from one moment to another; wall time only when their boots differ."""
    if earlier.boot == later.boot:
        return later.monotonic - earlier.monotonic
    return (later.wall - earlier.wall).total_seconds()


def seconds_since(wall: datetime, anchor: Instant, later: Instant) -> float:
    """Seconds from a wall time to a moment, jumps of the clock after ``anchor`` left out."""
    return (anchor.wall - wall).total_seconds() + seconds_between(anchor, later)
