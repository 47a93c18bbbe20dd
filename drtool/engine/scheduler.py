"""One thread that decides what starts when; everything else tells it through its inbox."""

from __future__ import annotations

import threading
from queue import Empty

from drtool.engine.context import (
    Answered,
    Broken,
    Cancelled,
    Input,
    Phase,
    RunContext,
    Signalled,
    StepOver,
)
from drtool.engine.gate import ask_at_gate, gate_is_open
from drtool.engine.requests import take_requests
from drtool.engine.schedule import Schedule
from drtool.engine.step import StepRun, abandoned_result
from drtool.engine.unwind import UNWINDING
from drtool.model.event import AbortAsked, StepEnded, Via, Warned
from drtool.model.plan import PlanStep
from drtool.model.purpose import OnFailure, Outcome, StepKind
from drtool.progress.forecast import forecast

_FORECAST_EVERY = 1.0
_NOTICES_AT_END = 5.0


class Scheduler:
    """Runs the steps of a plan in the calling thread's own loop.

    Invariant: a step is handed out at most once, after all that it needs has ended well, and
    nothing is handed out once the run stops, but what an earlier engine left in mid-effect.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._schedule = Schedule(context.plan.steps)
        self._running: dict[str, StepRun] = {}
        self._open = False
        self._forecast_at = 0.0
        self._polled_at = 0.0
        self._last_words_until: float | None = None
        self._warned = False
        self.failed = False
        self.unwind = False
        self.refusal = ""

    def run(self) -> None:
        """Carry the run until nothing runs and nothing may start; raises what broke it."""
        self._take_up()
        self._open = gate_is_open(self._context)
        if not self._open and self._context.phase is Phase.GOING and not self.unwind:
            threading.Thread(target=ask_at_gate, args=(self._context,), daemon=True).start()
        while True:
            self._hand_out()
            if self._is_over():
                return
            self._wait()

    def _take_up(self) -> None:
        """Continue where the record ends: what is over is over, what is in doubt is looked at."""
        known = self._context.recorder.state()
        if known.abort is not None:
            self._stop(Phase.ABORTING)
        if any(warned.about == UNWINDING for warned in known.warnings):
            self.failed = self.unwind = True
            return
        for state in tuple(self._context.recorder.steps.values()):
            if state.outcome.ended:
                self._schedule.take(state.name)
                self._ended(state.name)
            elif state.attempts:
                step = self._schedule.take(state.name)
                if state.mid_effect or self._context.phase is Phase.GOING:
                    self._start(step, in_doubt=state.mid_effect)

    def _hand_out(self) -> None:
        context = self._context
        for step in self._schedule.take_unneeded():
            context.recorder.write(
                StepEnded(
                    step=step.name,
                    outcome=Outcome.SKIPPED,
                    via=Via.DIRECT,
                    reason=f"not needed: {', '.join(step.rescues)} did not fail",
                )
            )
            self._schedule.ended(step.name, well=True)
        if context.phase is not Phase.GOING or not self._open or self.unwind:
            return
        room = context.limits.parallel - len(self._running)
        ready = self._schedule.take_rescues(room)
        if not self.failed:
            ready += self._schedule.take_ready(room - len(ready))
        for step in ready:
            self._start(step, in_doubt=False)

    def _start(self, step: PlanStep, *, in_doubt: bool) -> None:
        run = StepRun(step, self._context, in_doubt=in_doubt)
        self._running[step.name] = run
        self._context.ports.executor.submit(step, run.work)

    def _is_over(self) -> bool:
        """Whether nothing runs that is worth waiting for; notices get a few seconds."""
        if not self._open and self._context.phase is Phase.GOING and not self.unwind:
            return False
        if not self._running:
            return True
        if any(run.step.kind is not StepKind.NOTICE for run in self._running.values()):
            return False
        if not self.failed and self._context.phase is Phase.GOING and self._schedule.more:
            return False
        now = self._context.clock.monotonic()
        self._last_words_until = self._last_words_until or now + _NOTICES_AT_END
        if now < self._last_words_until:
            return False
        for run in self._running.values():
            if run.attempt is not None:
                run.attempt.abandon(abandoned_result(run.attempt))
        return True

    def _wait(self) -> None:
        """Take what comes in, at the latest at the next tick."""
        limits, inbox = self._context.limits, self._context.inbox
        try:
            item = inbox.get(
                timeout=limits.consent_tick if self._context.desk.busy else limits.tick
            )
        except Empty:
            pass
        else:
            self._take(item)
            while not inbox.empty():
                self._take(inbox.get())
        self._tick()

    def _take(self, item: Input) -> None:
        match item:
            case StepOver():
                self._step_over(item.step)
            case Answered():
                self._open = not item.refused
                self.refusal = item.refused
                if item.refused and self._context.phase is Phase.GOING:
                    self._stop(Phase.ABORTING)
            case Cancelled():
                self._context.recorder.write(AbortAsked(by=item.by))
                self._stop(Phase.ABORTING)
            case Signalled():
                self._signalled()
            case Broken():
                self._stop(Phase.LEAVING)
                raise item.error
            case _:
                pass

    def _signalled(self) -> None:
        """The first signal: leave, so that the run can be resumed. The second: abort it."""
        if self._context.phase is Phase.GOING:
            self._stop(Phase.LEAVING)
        elif self._context.phase is Phase.LEAVING:
            self._context.recorder.write(AbortAsked(by="a second signal to the engine"))
            self._stop(Phase.ABORTING)

    def _stop(self, phase: Phase) -> None:
        self._context.phase = phase
        self._context.desk.dismiss()
        self._wake_all()

    def _wake_all(self) -> None:
        for run in self._running.values():
            if run.attempt is not None:
                run.attempt.wake()

    def _step_over(self, name: str) -> None:
        run = self._running.pop(name, None)
        if run is not None and not run.left:
            self._ended(name)

    def _ended(self, name: str) -> None:
        state = self._context.recorder.step(name)
        dry = self._context.ports.hands is None
        self._schedule.ended(name, well=state.ended_well or dry)
        if state.ended_well or dry:
            return
        self.failed = True
        if state.outcome in {Outcome.FAILED, Outcome.REFUSED}:
            wanted = state.plan.approval.otherwise if state.plan.approval else None
            self.unwind |= OnFailure.UNWIND in {state.plan.on_failure, wanted}
        if state.outcome is Outcome.ABORTED and self._context.phase is Phase.GOING:
            self._stop(Phase.ABORTING)

    @property
    def _patience(self) -> float:
        """How long nothing is looked at; short while a person's answer is waited for."""
        limits = self._context.limits
        return limits.consent_tick if self._context.desk.busy else limits.tick

    def _tick(self) -> None:
        context, now = self._context, self._context.clock.monotonic()
        if now - self._polled_at >= self._patience * 0.9:
            self._polled_at = now
            taken = take_requests(context)
            if taken.abort:
                self._stop(Phase.ABORTING)
            elif taken.news:
                self._wake_all()
            self._watch(now)
        if now - self._forecast_at >= _FORECAST_EVERY and not self._warned:
            self._forecast_at = now
            self._warn_of_rto()

    def _watch(self, now: float) -> None:
        """End steps that hang beyond their deadline, start those that nothing has started."""
        limits = self._context.limits
        for run in tuple(self._running.values()):
            attempt = run.attempt
            if attempt is None:
                if not run.claimed and now > run.handed_out + limits.unclaimed:
                    why = f"{self._context.ports.executor.name} did not start it in time"
                    threading.Thread(target=run.work, args=(Via.DIRECT, why), daemon=True).start()
                continue
            late = not attempt.asking and now > attempt.deadline_at + limits.grace
            if late and attempt.abandon(abandoned_result(attempt)):
                self._step_over(run.step.name)

    def _warn_of_rto(self) -> None:
        context = self._context
        if context.plan.objectives.rto is None or not context.plan.procedure.unplanned:
            return
        ahead = forecast(context.recorder.state(), context.recorder.now())
        if ahead.rto_at_risk:
            self._warned = True
            context.recorder.write(Warned(about="rto_at_risk", text=ahead.text()))
