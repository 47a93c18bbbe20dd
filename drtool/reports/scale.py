"""Map seconds to the width of a picture, with long waits folded together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FOLD_WIDTH = 84.0
_STEPS = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400),
)
_TICKS = 7


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in seconds since the run's start."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.begin


class Scale:
    """From ``begin`` to ``end`` across ``left`` to ``right``; each fold takes the same width.

    Monotone: what comes later is never drawn further left.
    """

    def __init__(
        self, begin: float, end: float, left: float, right: float, folds: Sequence[Span] = ()
    ) -> None:
        self.begin, self.end = begin, max(end, begin + 0.001)
        self.folds = _within(folds, self.begin, self.end)
        folded = sum(fold.seconds for fold in self.folds)
        room = right - left - FOLD_WIDTH * len(self.folds)
        self._per_second = room / max(self.end - self.begin - folded, 0.001)
        self._left, self.right = left, right

    def x(self, seconds: float) -> float:
        """Where a moment is drawn; clipped to the picture."""
        moment = min(max(seconds, self.begin), self.end)
        plain, folded = moment - self.begin, 0.0
        for fold in self.folds:
            inside = min(max(moment - fold.begin, 0.0), fold.seconds)
            plain -= inside
            folded += FOLD_WIDTH * inside / fold.seconds
        return round(self._left + plain * self._per_second + folded, 1)

    def ticks(self) -> list[float]:
        """Round moments to write at the axis, none of them in a fold."""
        visible = self.end - self.begin - sum(fold.seconds for fold in self.folds)
        step = next((step for step in _STEPS if visible / step <= _TICKS), 7 * 86400)
        first = int(self.begin // step) + (self.begin % step > 0)
        moments = (number * step for number in range(first, int(self.end // step) + 1))
        return [
            moment
            for moment in moments
            if not any(fold.begin < moment < fold.end for fold in self.folds)
        ]


def worth_folding(waits: Sequence[Span], end: float) -> list[Span]:
    """The waits that would leave no room for the work, merged, in order."""
    merged: list[Span] = []
    for wait in sorted(waits, key=lambda wait: wait.begin):
        if merged and wait.begin <= merged[-1].end:
            merged[-1] = Span(merged[-1].begin, max(merged[-1].end, wait.end))
        else:
            merged.append(wait)
    work = end - sum(wait.seconds for wait in merged)
    return [wait for wait in merged if wait.seconds > max(2.0, 0.5 * work)]


def _within(folds: Sequence[Span], begin: float, end: float) -> list[Span]:
    clipped = (Span(max(fold.begin, begin), min(fold.end, end)) for fold in folds)
    return [fold for fold in clipped if fold.seconds > 0]


def tick_text(seconds: float) -> str:
    """A moment at the axis: +0.2 s, +15 s, +2:30, +1:30 h."""
    sign = "-" if seconds < 0 else "+"
    size = abs(seconds)
    if size < 60:
        return f"{sign}{size:g} s" if size else "start"
    minutes, rest = divmod(round(size), 60)
    if minutes < 60:
        return f"{sign}{minutes}:{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02d} h"
