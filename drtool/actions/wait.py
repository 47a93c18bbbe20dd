"""Waiting, without blocking anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, Field, PrivateAttr, model_validator

from drtool.action import Check, Facts, Look
from drtool.model.purpose import Purpose
from drtool.model.value import Value
from drtool.units import Duration, seconds_text


class Waited(Value):
    """How much there is left to wait."""

    now: datetime
    until: datetime
    seconds_left: float


class Until(Check[Waited]):
    """Wait until a time has come, or for so long; write exactly one of ``time`` and ``duration``.

    The step's own ``deadline`` bounds it in any case: give one that is longer than the wait. In
    a dry-run nothing is waited for. A resumed run waits its ``duration`` from the beginning.
    """

    purpose = Purpose.ASSESS
    every = Duration(0.5)
    default_deadline = Duration(3600)

    time: AwareDatetime | None = Field(
        default=None,
        description="A time with its zone, quoted: '2026-11-23T05:00:00Z'.",
    )
    duration: Duration | None = Field(
        default=None, description="How long to wait, from the step's start."
    )
    _end: datetime | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.time is None) == (self.duration is None):
            msg = "write exactly one of time and duration"
            raise ValueError(msg)
        return self

    def observe(self, look: Look) -> Waited:
        """What the clock says."""
        now = look.now()
        until = self._end or self.time or now + timedelta(seconds=self._seconds())
        self._end = until
        return Waited(now=now, until=until, seconds_left=max(0.0, (until - now).total_seconds()))

    def judge(self, seen: Waited, facts: Facts) -> str | None:
        """What is left to wait."""
        if seen.seconds_left <= 0 or not facts.mode.changes_the_world:
            return None
        return f"{seconds_text(seen.seconds_left)} left until {seen.until:%H:%M:%S} UTC"

    def by_hand(self, facts: Facts) -> list[str]:
        """The sentence."""
        del facts
        return [f"Wait until {self.time.isoformat()}." if self.time else f"Wait {self.duration}."]

    def _seconds(self) -> float:
        return self.duration.seconds if self.duration else 0.0
