"""One step under way: its clock, its record, and the leave to act."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Literal

from drtool import __version__
from drtool.action import Facts, Hands, Look
from drtool.clock import seconds_passed
from drtool.crashpoint import crashpoint
from drtool.engine.context import Phase, RunContext
from drtool.engine.cover import changes_digest, not_shown
from drtool.engine.desk import Waiter
from drtool.engine.renewing import Renewal, renew
from drtool.engine.result import Result
from drtool.engine.waiting import LeftOut, Stopped, must_be_approved, wait_for
from drtool.model.change import Change
from drtool.model.event import Body, ConsentAsked, StepEnded, StepIntent, StepStarted, Via
from drtool.model.plan import PlanStep
from drtool.model.purpose import Purpose
from drtool.model.value import Fields
from drtool.units import Duration

__all__ = ["Abandoned", "Attempt", "DeadlineOver", "LeftOut", "Stopped"]
_FIRST_PAUSE = 0.005
_EXACT_FROM = 1.0


class Abandoned(Exception):
    """Raised in a step's thread when the scheduler has ended the step without it."""


class DeadlineOver(Exception):
    """Raised in a step's thread when its deadline has ended; ``problem`` is what was left."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem, self.hint = problem, hint


class Attempt:
    """What a step's thread works with; all of its writes end when the step has ended.

    Invariant: after ``ended`` is set, by the step's thread or by the scheduler, no event of this
    step is written and no effect is begun.
    """

    def __init__(
        self, step: PlanStep, context: RunContext, via: Via, via_reason: str, *, in_doubt: bool
    ) -> None:
        self.step, self.context, self.via, self._via_reason = step, context, via, via_reason
        self.number = context.recorder.step(step.name).attempts + 1
        self.began = seconds_passed(context.clock)
        self.deadline_at = context.clock.monotonic() + step.deadline.seconds
        self.in_doubt = in_doubt
        self.intent_written = in_doubt
        self.applied = 0
        self.asking = False
        self.ended = False
        self._pause = _FIRST_PAUSE
        self._lock = threading.Lock()
        self._wake = threading.Event()

    def facts(self) -> Facts:
        """What the run knows at this moment."""
        return self.context.facts(self.step, self.number, max(0.0, self.seconds_left))

    def look(self) -> Look:
        """The means to read."""
        return self.context.look(self.facts())

    def hands(self) -> Hands:
        """The means to change."""
        return self.context.hands(self.facts())

    def write(self, *bodies: Body) -> None:
        """Write events of this step; raises Abandoned when it has ended."""
        with self._lock:
            if self.ended:
                raise Abandoned
            self.context.recorder.write(*bodies)

    def start(self) -> None:
        """Note that the step is under way."""
        self.write(self._started())
        crashpoint("step.started-written")

    def again(self) -> None:
        """Begin anew, with the whole deadline, because a person said so."""
        self.number += 1
        self.applied = 0
        self.deadline_at = self.context.clock.monotonic() + self.step.deadline.seconds
        self.start()

    def end(self, result: Result) -> None:
        """Note how the step ended; raises Abandoned when somebody else has."""
        with self._lock:
            if self.ended:
                raise Abandoned
            self.ended = True
            seconds = seconds_passed(self.context.clock) - self.began
            self.context.recorder.write(
                StepEnded(
                    step=self.step.name,
                    attempt=self.number,
                    outcome=result.outcome,
                    via=self.via,
                    seen=result.seen,
                    changes=tuple(result.changes),
                    proofs=tuple(result.proofs),
                    reason=self.context.ports.redactor.clean(result.reason),
                    hint=self.context.ports.redactor.clean(result.hint),
                    seconds=round(seconds, 6),
                    answered=result.answered,
                    adopted=result.adopted,
                    by=result.by,
                )
            )

    def may_act(self, changes: Sequence[Change]) -> None:
        """Raises what stands against an effect now: its end, a stop, a lost lease, no consent."""
        if self.ended:
            raise Abandoned
        if self.must_stop or (self.context.phase is not Phase.GOING and not self.applied):
            raise Stopped
        self.context.lease_was_held()
        if self.step.one_way:
            renew(self.context, self.step, self._ask_anew, self._waited)
        shown = self.context.shown_to_consenters(self.step) if self.step.one_way else None
        if shown is not None and (new := not_shown(changes, shown, self.step.name)):
            self._ask_again(tuple(new), tuple(changes))

    def _ask_again(self, new: tuple[Change, ...], changes: tuple[Change, ...]) -> None:
        text = "This was not shown when consent was given: " + "; ".join(map(str, new))
        must_be_approved(self.ask("approval", text, changes))

    def _ask_anew(self, void: Renewal) -> None:
        changes = void.consent.asked.changes
        waiter = self.ask("approval", void.text, changes, void.budget, instead_of=void.root)
        must_be_approved(waiter)

    def _waited(self, seconds: float) -> None:
        """Another step asks anew: what a person takes does not count against the deadline."""
        self.going_on()
        if self.context.desk.busy:
            self.deadline_at += seconds

    def intend(self, seen: Fields, changes: Sequence[Change]) -> None:
        """Write what is about to be done, then make sure once more that it may be done.

        When this returns, the very next thing is the effect.
        """
        crashpoint("step.before-intent")
        crashpoint(f"step.before-intent {self.step.name}")
        intent = StepIntent(
            step=self.step.name,
            attempt=self.number,
            seen=seen,
            changes=tuple(changes),
            one_way=self.step.one_way,
            promotes=self.step.purpose is Purpose.PROMOTE,
        )
        if self.applied:
            self.number += 1
            intent = intent.model_copy(update={"attempt": self.number})
            self.write(self._started(), intent)
        else:
            self.write(intent)
        self.intent_written = True
        crashpoint("step.intent-written")
        crashpoint(f"step.intent-written {self.step.name}")
        self.context.check_lease()
        if self.ended:
            raise Abandoned
        self.applied += 1
        self._pause = _FIRST_PAUSE

    @property
    def late(self) -> bool:
        """Whether the deadline has ended; nothing is begun then."""
        return self.seconds_left <= 0

    @property
    def seconds_left(self) -> float:
        """How long the deadline leaves; negative when it has ended."""
        return self.deadline_at - self.context.clock.monotonic()

    def effect_applied(self) -> None:
        """Name the moment after an effect and before its outcome is written."""
        crashpoint("step.effect-applied")
        crashpoint(f"step.effect-applied {self.step.name}")

    def pause(
        self, problem: str, hint: str = "", *, exactly: bool = False, at_least: float = 0.0
    ) -> None:
        """Wait before the next look: shortly at first, then longer, up to the step's ``every``.

        Raises DeadlineOver when the deadline has ended, Stopped when the run stops and nothing
        was changed, Abandoned when the step was ended elsewhere.
        """
        self.going_on()
        left = self.seconds_left
        if left <= 0:
            raise DeadlineOver(problem, hint)
        every = self.step.every.seconds
        if exactly or every >= _EXACT_FROM:
            wait = every
        else:
            wait, self._pause = min(self._pause, every), self._pause * 2
        self.context.clock.sleep(min(max(wait, at_least), left), until=self._wake)
        self._wake.clear()
        self.going_on()

    def going_on(self) -> None:
        """Raises Abandoned or Stopped when the step shall not go on."""
        if self.ended:
            raise Abandoned
        if self.must_stop:
            raise Stopped

    @property
    def must_stop(self) -> bool:
        """Whether the run stops and the step with it.

        What has begun goes to its end, but where another run takes over: that one looks at it.
        A promotion that has begun is never left.
        """
        phase, begun = self.context.phase, self.intent_written
        if phase is Phase.HANDING_OVER and self.step.purpose is not Purpose.PROMOTE:
            return True
        return phase is not Phase.GOING and not begun

    def wake(self) -> None:
        """End the pause at once: there is something new to look at."""
        self._wake.set()

    def abandon(self, result: Result) -> bool:
        """End the step without its thread; False when it has ended by itself."""
        with suppress(Abandoned):
            self.end(result)
            self.wake()
            return True
        return False

    def ask(
        self,
        what: Literal["approval", "manual", "decision"],
        text: str,
        changes: tuple[Change, ...] = (),
        budget: Duration | None = None,
        instead_of: str = "",
    ) -> Waiter:
        """Ask a person and wait; the wait does not count against the step's deadline.

        ``answer`` is expired when the time is up. A question that an earlier engine asked is
        waited for on, with its own end. Raises Stopped when the run stops meanwhile.
        """
        name, limit = self.step.name, budget or self.step.deadline
        of, needs = self.context.asked_of(self.step, what, instead_of)
        asked = ConsentAsked(
            step=name,
            what=what,
            of=of,
            needs=needs,
            version=__version__,
            instead_of=instead_of,
            text=text,
            changes=changes,
            changes_digest=changes_digest(changes) if changes else "",
            budget=limit,
            expires=self.context.clock.wall() + timedelta(seconds=limit.seconds),
        )
        before, self.asking = self.context.clock.monotonic(), True
        try:
            return wait_for(self.context, asked)
        finally:
            self.deadline_at += self.context.clock.monotonic() - before
            self.asking = False

    def _started(self) -> StepStarted:
        return StepStarted(
            step=self.step.name,
            attempt=self.number,
            via=self.via,
            via_reason=self._via_reason,
        )
