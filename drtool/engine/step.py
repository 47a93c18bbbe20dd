"""A step from its claim to its outcome, on a thread of whatever carries it."""

from __future__ import annotations

import threading

from pydantic import ValidationError

from drtool.action import Check, Command, Entry, Notice, StateAction
from drtool.crashpoint import crashpoint
from drtool.engine.attempt import Abandoned, Attempt, LeftOut, Stopped
from drtool.engine.check_steps import CheckStep
from drtool.engine.command_steps import CommandStep
from drtool.engine.context import Broken, Phase, RunContext, StepOver
from drtool.engine.human_steps import run_approval, run_manual
from drtool.engine.proving import renew_proofs
from drtool.engine.result import Result, left_out, words_of
from drtool.engine.state_steps import StateStep, unproven_hint
from drtool.errors import (
    Aborted,
    BadInput,
    DrtoolError,
    InDoubt,
    JournalUnusable,
    LeaseHeld,
    Refused,
)
from drtool.model.event import Via
from drtool.model.plan import PlanStep
from drtool.model.purpose import OnFailure, Outcome, Purpose, StepKind


class StepRun:
    """One step of a run: claimed once, whoever calls its work how often.

    ``in_doubt`` says that an earlier engine wrote its intent and no outcome.
    """

    def __init__(self, step: PlanStep, context: RunContext, *, in_doubt: bool = False) -> None:
        self.step, self._context, self._in_doubt = step, context, in_doubt
        self.handed_out = context.clock.monotonic()
        self.attempt: Attempt | None = None
        self.left = False
        self._outcome: Outcome | None = None
        self._claim = threading.Lock()
        self._done = threading.Event()

    def work(self, via: Via, reason: str) -> Outcome | None:
        """Run the step; a second caller waits for the first and is told the same outcome."""
        if not self._claim.acquire(blocking=False):
            self._done.wait(self.step.deadline.seconds + self._context.limits.grace)
            return self._outcome
        try:
            self._outcome = self._go(via, reason)
        except Abandoned:
            self._outcome = self._context.recorder.step(self.step.name).outcome
        except Exception as error:  # noqa: BLE001 - the scheduler ends the run with it
            self._context.inbox.put(Broken(error))
        finally:
            self._done.set()
            self._context.inbox.put(StepOver(self.step.name))
        return self._outcome

    @property
    def claimed(self) -> bool:
        """Whether something carries it."""
        return self._claim.locked()

    def _go(self, via: Via, reason: str) -> Outcome | None:
        attempt = Attempt(self.step, self._context, via, reason, in_doubt=self._in_doubt)
        self.attempt = attempt
        attempt.start()
        result = self._decided(attempt)
        if result is None:
            self.left = True
            return None
        crashpoint("step.before-outcome")
        attempt.end(result)
        crashpoint("step.outcome-written")
        crashpoint(f"step.outcome-written {self.step.name}")
        return result.outcome

    def _decided(self, attempt: Attempt) -> Result | None:
        """The result, after a person was asked where the runbook says so; None when left."""
        while True:
            result = self._tried(attempt)
            if result is None or not self._to_be_asked(result):
                return result
            try:
                given = attempt.ask("decision", _question(result)).answer
            except Stopped:
                return self._stopped(attempt)
            if given is not None and given.decision == "skipped":
                return left_out(given.by, given.reason)
            if given is None or given.decision != "approved":
                return result
            attempt.again()

    def _to_be_asked(self, result: Result) -> bool:
        return result.outcome is Outcome.FAILED and self.step.on_failure is OnFailure.ASK

    def _tried(self, attempt: Attempt) -> Result | None:
        """The result of running the entry, whatever it raised; None when the run leaves."""
        try:
            return self._run(attempt)
        except (Abandoned, JournalUnusable):
            raise
        except Stopped as stopped:
            return self._stopped(attempt, str(stopped))
        except LeftOut as asked:
            return left_out(asked.given.by, asked.given.reason)
        except BaseException as error:  # noqa: BLE001 - an action may raise anything
            if isinstance(error, LeaseHeld):
                self._context.lease_lost = error.line()
            return _result_of(error, self.step)

    def _stopped(self, attempt: Attempt, problem: str = "") -> Result | None:
        """The end of a step whose run stops; ``problem`` is what it had been waiting for."""
        if self._context.phase is Phase.LEAVING:
            return None
        changed = "its effect may be there" if attempt.intent_written else "nothing was changed"
        changed += f" ({problem})" if problem else ""
        if self._context.phase is Phase.HANDING_OVER:
            return Result(Outcome.HANDED_OVER, f"the run was handed over; {changed}")
        taken_back = self._context.phase is Phase.UNWINDING
        how = "is taken back" if taken_back else "was aborted"
        return Result(Outcome.ABORTED, f"the run {how}; {changed}")

    def _run(self, attempt: Attempt) -> Result:
        step, context = self.step, self._context
        tainted = not context.tainted.isdisjoint(step.needs)
        if tainted:
            context.tainted.add(step.name)
            if step.kind is StepKind.CHECK:
                return Result(Outcome.SKIPPED, "will be checked")
        try:
            if not context.templates.holds(step, context.recorder.steps):
                return Result(Outcome.SKIPPED, f"when {step.when} does not hold")
            entry = self._entry() if step.kind not in _HUMAN else None
            if context.templates.refuses(step, context.recorder.steps):
                raise Refused(f"step {step.name}", f"{step.never} holds, which must never be")
        except BadInput:
            if tainted:
                return Result(Outcome.SKIPPED, "will be known when the steps before it have run")
            raise
        if step.purpose is Purpose.PROMOTE and context.ports.hands is not None:
            renew_proofs(context)
        return self._carried(attempt, entry)

    def _carried(self, attempt: Attempt, entry: Entry | None) -> Result:
        match entry:
            case StateAction():
                return StateStep(attempt, entry).run()
            case Check():
                return CheckStep(attempt, entry).run()
            case Command():
                return CommandStep(attempt, entry).run()
            case Notice():
                return self._told(attempt, entry)
            case _:
                manual = self.step.kind is StepKind.MANUAL
                return run_manual(attempt) if manual else run_approval(attempt)

    def _entry(self) -> Entry:
        """The action with its fields filled in; raises BadInput when they do not fit."""
        step, context = self.step, self._context
        fields = context.templates.fields(step, context.recorder.steps)
        try:
            return context.ports.entries.get(step.action)(**fields)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise BadInput(f"step {step.name}", f"{place}: {first['msg']}") from error

    def _told(self, attempt: Attempt, notice: Notice) -> Result:
        if self._context.ports.hands is None:
            return Result(Outcome.SKIPPED, "would be sent")
        notice.send(attempt.hands())
        return Result(Outcome.SUCCEEDED)


_HUMAN = {StepKind.APPROVAL, StepKind.MANUAL}


def _question(result: Result) -> str:
    return f"{result.reason}. Retry it, skip it, or deny to stop here."


def _result_of(error: BaseException, step: PlanStep) -> Result:
    """What an exception means for a step."""
    match error:
        case Refused():
            outcome = Outcome.REFUSED
        case InDoubt():
            outcome = Outcome.IN_DOUBT
        case Aborted():
            outcome = Outcome.ABORTED
        case _:
            outcome = Outcome.FAILED
    if isinstance(error, DrtoolError):
        return Result(outcome, error.line(), error.hint)
    return Result(outcome, f"step {step.name}: {words_of(error)}")


def abandoned_result(attempt: Attempt) -> Result:
    """What is written of a step whose thread hangs in a call beyond its deadline."""
    step = attempt.step
    reason = f"still in a call when its deadline of {step.deadline} had ended"
    if step.purpose is Purpose.FENCE:
        return Result(Outcome.REFUSED, f"the fence is not proven; {reason}", unproven_hint(attempt))
    # a probe that verifies cleans up after itself: that it hangs is its verdict
    if attempt.intent_written and step.purpose is not Purpose.VERIFY:
        return Result(Outcome.IN_DOUBT, reason, "look at the target before anything else is done")
    return Result(Outcome.FAILED, reason)
