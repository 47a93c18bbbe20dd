"""Carry out a state action: observe, say what would change, change it, observe again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from drtool.action import StateAction
from drtool.engine.attempt import Abandoned, Attempt, DeadlineOver, Stopped
from drtool.engine.context import Phase
from drtool.engine.result import Result
from drtool.errors import (
    AccessDenied,
    BadInput,
    DrtoolError,
    InDoubt,
    JournalUnusable,
    Refused,
    StepFailed,
    Unreachable,
    hint_of,
)
from drtool.model.change import Change
from drtool.model.event import NO_PROGRESS, Warned
from drtool.model.purpose import Outcome, Purpose
from drtool.model.value import Fields, Value
from drtool.progress.refusals import would_change

_FINAL = (Refused, AccessDenied, BadInput, JournalUnusable, Abandoned, Stopped)
_PASSING = (Unreachable, StepFailed, InDoubt)
_TO_THE_END = {Purpose.FENCE, Purpose.PROMOTE, Purpose.REDIRECT}
# After an effect that did not come about, the next try waits longer each time.
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.05, 2.0
# With less time left than a failed effect took, it is not begun again: cut short, it would only
# hide why it failed.
_WANTED_AT_MOST_SECONDS = 1.0


class StateStep:
    """One state action on its way to having nothing left to change.

    Invariant: nothing is applied without an intent that was written after a look which showed
    changes and a guard which let them pass; what was applied is looked at before the step ends
    well; what cannot be looked at after it was applied ends in doubt.
    """

    def __init__(self, attempt: Attempt, action: StateAction[Any]) -> None:
        self._attempt, self._action = attempt, action
        self._problem, self._hint = "nothing was seen", ""
        self._blind = False
        self._fatal: Exception | None = None
        self._quiet_until = 0.0
        self._changed: tuple[Change, ...] = ()
        self._just_changed: set[tuple[str, str]] = set()
        self._troubled_since: float | None = None
        self._warned = False
        self._retry_after = _FIRST_RETRY_SECONDS
        self._wanted_seconds = 0.0

    def run(self) -> Result:
        """Look and act until nothing is left to change; raises what ends the step otherwise."""
        while True:
            try:
                result = self._round()
            except DeadlineOver as over:
                return self._too_late(over)
            if result is not None:
                return result

    def _round(self) -> Result | None:
        """One look, and one effect if there is cause; None when another round is needed."""
        try:
            seen = self._action.observe(self._attempt.look())
        except (Unreachable, StepFailed) as error:
            return self._unseen(error)
        self._blind = False
        changes = list(self._action.changes(seen))
        if not changes:
            return self._done(seen)
        if self._fatal is not None:
            raise self._fatal
        waiting = self._action.reason_to_wait(seen)
        if waiting is None and self._effect_may_still_show(changes):
            waiting = "left to change: " + "; ".join(map(str, changes))
        if waiting is None and self._attempts_are_over():
            waiting = self._last_chance(changes)
        if waiting is not None:
            self._note(waiting)
            self._leave_if_stopped()
            self._attempt.pause(self._problem, self._hint)
            return None
        self._give_up_if_aborted()
        return self._act(seen, changes)

    def _leave_if_stopped(self) -> None:
        """Raise Stopped, with what was missing, where the run stops: the step could take hours.

        Who serves and who is served is looked at to its end.
        """
        going = self._attempt.context.phase is Phase.GOING
        if not going and self._attempt.step.purpose not in _TO_THE_END:
            raise Stopped(self._problem)

    def _give_up_if_aborted(self) -> None:
        """The same where an effect has not come about; an engine that only leaves tries on."""
        leaving = self._attempt.context.phase is Phase.LEAVING
        if self._attempt.intent_written and not leaving:
            self._leave_if_stopped()

    def _act(self, seen: Value, changes: list[Change]) -> Result | None:
        attempt = self._attempt
        reason = self._action.reason_not_to_apply(seen, attempt.facts())
        if attempt.context.ports.hands is None:
            return self._would_change(seen, changes, reason)
        if reason is not None:
            raise Refused(f"step {attempt.step.name}", reason, hint=hint_of(reason))
        if attempt.late:
            raise DeadlineOver(self._problem, self._hint)
        if attempt.seconds_left < self._wanted_seconds:
            attempt.pause(self._problem, self._hint)
            return None
        asked = len(attempt.context.recorder.consents)
        attempt.may_act(changes)
        if len(attempt.context.recorder.consents) > asked:
            return None  # a person was waited for: the world and its proofs are judged anew
        attempt.intend(fields_of(seen), changes)
        self._changed = tuple(dict.fromkeys((*self._changed, *changes)))
        self._just_changed = {(change.subject, change.after) for change in changes}
        began = attempt.seconds_left
        try:
            self._action.apply(attempt.hands(), changes)
        except _FINAL:
            raise
        except _PASSING as error:
            self._wanted_seconds = min(began - attempt.seconds_left, _WANTED_AT_MOST_SECONDS)
            self._note(error.line(), error.hint)
            self._warn(error)
            attempt.effect_applied()
            if not attempt.late:
                attempt.pause(self._problem, self._hint, at_least=self._retry_after)
                self._retry_after = min(2 * self._retry_after, _LONGEST_RETRY_SECONDS)
            return None
        except Exception as error:  # noqa: BLE001 - looked at once more, then raised
            self._fatal = error
        attempt.effect_applied()
        self._quiet_until = attempt.context.clock.monotonic() + attempt.context.limits.settle
        return None

    def _unseen(self, error: DrtoolError) -> Result | None:
        """The target could not be looked at: data for a later round."""
        self._blind = isinstance(error, Unreachable)
        if self._fatal is not None:
            raise self._fatal
        if self._attempt.context.ports.hands is None:
            raise error
        self._note(error.line(), error.hint)
        self._warn(error)
        self._give_up_if_aborted()
        self._attempt.pause(self._problem, self._hint)
        return None

    def _done(self, seen: Value) -> Result:
        attempt = self._attempt
        answered = attempt.context.recorder.now() if self._action.from_outside else None
        untouched = not attempt.applied
        return Result(
            Outcome.SUCCEEDED,
            reason="nothing to change" if untouched else "",
            seen=fields_of(seen),
            changes=self._changed,
            proofs=self._action.proofs(seen, attempt.facts()),
            answered=answered,
            adopted=untouched,
        )

    def _would_change(self, seen: Value, changes: list[Change], reason: str | None) -> Result:
        """What a dry-run says; a guard ends it only where nothing before it was left out."""
        name = self._attempt.step.name
        tainted = self._attempt.context.tainted
        if reason is not None and name not in tainted:
            raise Refused(f"step {name}", reason, hint=hint_of(reason))
        tainted.add(name)
        said, hint = would_change(reason), hint_of(reason)
        return Result(Outcome.SKIPPED, said, hint, seen=fields_of(seen), changes=changes)

    def _effect_may_still_show(self, changes: Sequence[Change]) -> bool:
        """Whether what is left is what was just changed; another change need not wait for it."""
        results = {(change.subject, change.after) for change in changes}
        waited = self._attempt.context.clock.monotonic() >= self._quiet_until
        return not waited and not results.isdisjoint(self._just_changed)

    def _attempts_are_over(self) -> bool:
        allowed = self._attempt.step.attempts
        return allowed is not None and self._attempt.applied >= allowed

    def _last_chance(self, changes: Sequence[Change]) -> str:
        """All attempts were made: fail, unless the last effect may still be on its way."""
        left = "; ".join(map(str, changes))
        raise StepFailed(
            f"step {self._attempt.step.name}",
            f"after {self._attempt.applied} attempts is left to change: {left}",
            hint=self._hint,
        )

    def _note(self, problem: str, hint: str = "") -> None:
        self._problem, self._hint = problem, hint or self._hint

    def _warn(self, error: DrtoolError) -> None:
        """Say once that the step gets no further, and why.

        Of a fence at once, while a person's word can still be given.
        """
        attempt, clock = self._attempt, self._attempt.context.clock
        fences, now = attempt.step.purpose is Purpose.FENCE, clock.monotonic()
        if self._troubled_since is None:
            self._troubled_since = now
        stuck = now - self._troubled_since >= attempt.context.limits.stuck
        if self._warned or not (fences or stuck):
            return
        self._warned = True
        if fences:
            text = f"{error.line()}. {statement_hint(attempt)}"
            attempt.write(Warned(about="fence_unproven", text=text))
            return
        until = clock.wall() + timedelta(seconds=max(0.0, attempt.seconds_left))
        hint = f" Hint: {error.hint}" if error.hint else ""
        text = f"{error.line()}. It is tried again until {until:%Y-%m-%d %H:%M:%S}Z.{hint}"
        attempt.write(Warned(about=NO_PROGRESS, text=f"step {attempt.step.name}: {text}"))

    def _too_late(self, over: DeadlineOver) -> Result:
        attempt = self._attempt
        reason = f"not done within {attempt.step.deadline}: {over.problem}"
        if attempt.step.purpose is Purpose.FENCE:
            hint = over.hint or unproven_hint(attempt)
            return Result(Outcome.REFUSED, f"the fence is not proven; {reason}", hint)
        outcome = Outcome.IN_DOUBT if self._blind and attempt.intent_written else Outcome.FAILED
        return Result(outcome, reason, over.hint)


def fields_of(seen: Value) -> Fields:
    """An observation as later steps and the journal hold it."""
    return seen.model_dump(mode="json")


def unproven_hint(attempt: Attempt) -> str:
    """What can be done once the run has ended without a proven fence."""
    return (
        "fence it by hand and start again; or, if you know that it cannot write, start again with "
        "--state-fenced 'how you know': "
        f"drtool explain {attempt.context.recorder.run} prints the whole command"
    )


def statement_hint(attempt: Attempt) -> str:
    """How a person gives their word while the fence is still being tried."""
    context = attempt.context
    return (
        "if you know that it cannot write: "
        f"drtool state {context.recorder.run} {attempt.step.name} "
        f"--service {context.plan.service} --reason '...'"
    )
