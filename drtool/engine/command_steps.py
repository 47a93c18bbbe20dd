"""Carry out a command: applied once, found again when its end is not known."""

from __future__ import annotations

from typing import Any

from drtool.action import Command
from drtool.engine.attempt import Attempt, DeadlineOver, Stopped
from drtool.engine.context import Phase
from drtool.engine.result import Result, left_out, words_of
from drtool.engine.state_steps import fields_of
from drtool.errors import DrtoolError, InDoubt, StepFailed, Unreachable
from drtool.model.event import Instant
from drtool.model.purpose import Outcome, Purpose
from drtool.model.value import Value


class CommandStep:
    """One command on its way to having been run.

    Invariant: it is not run again while it may have run before, unless it leaves a trace that
    says it did not, the step says ``repeatable``, it only verifies, or a person decides so.
    """

    def __init__(self, attempt: Attempt, command: Command[Any]) -> None:
        self._attempt, self._command = attempt, command
        self._answered: Instant | None = None
        self._passes = self._misses = 0

    def run(self) -> Result:
        """Run it, or find what an earlier engine's run of it left."""
        attempt = self._attempt
        if attempt.context.ports.hands is None:
            return self._would_run()
        doubt: DrtoolError | None = None
        if attempt.in_doubt:
            doubt = InDoubt(f"step {attempt.step.name}", "an earlier engine began it")
        while True:
            if doubt is not None and (result := self._resolve(doubt)) is not None:
                return result
            doubt = None
            try:
                seen = self._once()
            except InDoubt as error:
                self._missed()
                doubt = error
                continue
            except (StepFailed, Unreachable) as error:
                self._missed()
                if (failed := self._after_failure(error)) is not None:
                    return failed
                continue
            if (result := self._passed(seen)) is not None:
                return result

    def _once(self) -> Value:
        attempt, facts = self._attempt, self._attempt.facts()
        changes = self._command.preview(facts)
        if attempt.context.phase is not Phase.GOING:
            raise Stopped
        attempt.may_act(changes)
        if not (attempt.applied and self._may_repeat()):
            attempt.intend({}, changes)
        hands = attempt.hands()
        try:
            seen: Value = self._command.run(hands)
        except DrtoolError:
            raise
        except Exception as error:
            # nothing says how far it came
            raise InDoubt(f"step {attempt.step.name}", words_of(error)) from error
        finally:
            attempt.effect_applied()
        return seen

    def _passed(self, seen: Value) -> Result | None:
        attempt = self._attempt
        if not self._passes:
            self._answered = attempt.context.recorder.now()
        self._passes += 1
        if self._passes >= attempt.step.passes:
            return self._succeeded(seen, adopted=False)
        try:
            attempt.pause("", exactly=True)
        except DeadlineOver:
            wanted = f"passed {self._passes} of {attempt.step.passes} times in a row"
            return Result(Outcome.FAILED, wanted, seen=fields_of(seen))
        return None

    def _missed(self) -> None:
        """Count a run that did not pass; passes are counted in a row."""
        self._misses, self._passes = self._misses + 1, 0

    def _after_failure(self, error: DrtoolError) -> Result | None:
        """Another try where the step has tries left, after a pause; its end otherwise."""
        attempt, outcome = self._attempt, Outcome.FAILED
        if isinstance(error, InDoubt) and attempt.step.purpose is not Purpose.VERIFY:
            outcome = Outcome.IN_DOUBT
        allowed = attempt.step.attempts
        if allowed is None:
            allowed = 0 if self._may_repeat() or isinstance(error, Unreachable) else 1
        if allowed and self._misses >= allowed:
            return Result(outcome, error.line(), error.hint)
        try:
            attempt.pause(error.line(), error.hint)
        except DeadlineOver as over:
            reason = f"not done within {attempt.step.deadline}: {over.problem}"
            return Result(outcome, reason, over.hint)
        return None

    def _resolve(self, doubt: DrtoolError) -> Result | None:
        """What became of it: found, to be run again (None), or not to be known."""
        attempt = self._attempt
        while True:
            try:
                found = self._command.find(attempt.look())
                if found is not None:
                    return self._succeeded(found, adopted=True)
                if not self._command.unfinished(attempt.look()):
                    # it may have ended between the two looks; from here on nothing changes
                    found = self._command.find(attempt.look())
                    if found is not None:
                        return self._succeeded(found, adopted=True)
                    break
                problem = f"{doubt.line()}; it was seen started and not ended"
            except Unreachable as error:
                problem = error.line()
            try:
                attempt.pause(problem)
            except DeadlineOver as over:
                return Result(Outcome.IN_DOUBT, over.problem, doubt.hint)
        if self._may_repeat():
            return self._after_failure(doubt) if self._misses else None
        return self._ask(doubt)

    def _ask(self, doubt: DrtoolError) -> Result | None:
        text = (
            f"{doubt.line()}. Nothing on the target says whether it ran. "
            "Retry to run it again, skip to go on without it, deny to stop here."
        )
        given = self._attempt.ask("decision", text).answer
        if given is not None and given.decision == "approved":
            return None
        if given is not None and given.decision == "skipped":
            return left_out(given.by, given.reason)
        return Result(Outcome.IN_DOUBT, doubt.line(), doubt.hint)

    def _succeeded(self, seen: Value, *, adopted: bool) -> Result:
        answered = self._answered or self._attempt.context.recorder.now()
        return Result(
            Outcome.SUCCEEDED,
            seen=fields_of(seen),
            changes=self._command.preview(self._attempt.facts()),
            answered=answered if self._command.from_outside else None,
            adopted=adopted,
        )

    def _would_run(self) -> Result:
        changes = self._command.preview(self._attempt.facts())
        self._attempt.context.tainted.add(self._attempt.step.name)
        return Result(Outcome.SKIPPED, reason="would run", changes=changes)

    def _may_repeat(self) -> bool:
        """Whether running it twice does no harm; a probe that verifies cleans up after itself."""
        step = self._attempt.step
        return step.repeatable or step.purpose is Purpose.VERIFY
