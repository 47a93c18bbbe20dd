"""Carry out a check: look and judge until it passes often enough, or its deadline ends."""

from __future__ import annotations

from typing import Any

from drtool.action import Check
from drtool.engine.attempt import Attempt, DeadlineOver
from drtool.engine.result import Result
from drtool.engine.state_steps import fields_of
from drtool.errors import StepFailed, Unreachable, hint_of
from drtool.model.event import Instant
from drtool.model.purpose import Outcome
from drtool.model.value import Fields


class CheckStep:
    """One check; ``passes`` are counted in a row, a failure begins them anew."""

    def __init__(self, attempt: Attempt, check: Check[Any]) -> None:
        self._attempt, self._check = attempt, check
        self._seen: Fields = {}
        self._hint = ""

    def run(self) -> Result:
        """Look until it passes; how it stood last when it does not."""
        attempt, step, looks, passes = self._attempt, self._attempt.step, 0, 0
        answered: Instant | None = None
        dry = attempt.context.ports.hands is None
        while True:
            reason = self._judge()
            looks += 1
            if reason is None:
                answered = answered if passes else attempt.context.recorder.now()
                passes += 1
                if passes >= step.passes or dry:
                    return self._passed(answered)
            elif dry or (step.attempts is not None and looks >= step.attempts):
                return self._failed(reason)
            else:
                passes = 0
            try:
                attempt.pause(reason or "", self._hint, exactly=reason is None)
            except DeadlineOver:
                return self._failed(reason or f"passed {passes} of {step.passes} times in a row")

    def _judge(self) -> str | None:
        """What is wrong, or None."""
        try:
            seen = self._check.observe(self._attempt.look())
        except (Unreachable, StepFailed) as error:
            self._hint = error.hint
            return error.line()
        reason = self._check.judge(seen, self._attempt.facts())
        self._seen, self._hint = fields_of(seen), hint_of(reason)
        return reason

    def _passed(self, answered: Instant | None) -> Result:
        outside = self._check.from_outside
        return Result(Outcome.SUCCEEDED, seen=self._seen, answered=answered if outside else None)

    def _failed(self, reason: str) -> Result:
        return Result(Outcome.FAILED, reason, self._hint, seen=self._seen)
