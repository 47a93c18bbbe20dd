"""One thread that decides what starts when; everything else tells it through its inbox."""

from __future__ import annotations

import threading
from queue import Empty

from drtool.engine.context import (
    Answered,
    Broken,
    Cancelled,
    HeirReady,
    Input,
    Phase,
    RunContext,
    Signalled,
    StepOver,
)
from drtool.engine.gate import ask_at_gate, gate_is_open
from drtool.engine.handing import begin_handing, ended_for_heir
from drtool.engine.overdue import overdue
from drtool.engine.requests import Taken, take_requests
from drtool.engine.result import left_out, skipped
from drtool.engine.schedule import Schedule
from drtool.engine.step import StepRun, abandoned_result
from drtool.engine.taking_up import end_decision, hear, is_taken_up
from drtool.engine.unwind import began_to_unwind
from drtool.model.event import AbortAsked, Warned
from drtool.model.plan import PlanStep
from drtool.model.purpose import OnFailure, Outcome, StepKind
from drtool.progress.forecast import forecast

_FORECAST_EVERY = 1.0
_NOTICES_AT_END = 5.0


class Scheduler:
    """Runs the steps of a plan in the calling thread's own loop.

    Invariant: a step is handed out at most once, after all that it needs has ended well, and
    nothing is handed out once the run stops or while it is paused, but what an earlier engine left
    in mid-effect.
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
        self._escalating = False
        self._stopped_at = 0.0
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
        """Continue where the record ends: what is over is over, what is in doubt is looked at.

        What was asked of the run meanwhile is heard before anything begins.
        """
        context = self._context
        known = context.recorder.state()
        if known.escalation is not None and context.heir is not None:
            self._stop(Phase.HANDING_OVER)
            ended_for_heir(context)
            return
        going_back = began_to_unwind(known)
        self._heed(hear(context, going_back=going_back))
        known = context.recorder.state()
        if known.abort is not None:
            self._stop(Phase.ABORTING)
        elif known.unwinding is not None:
            self._stop(Phase.UNWINDING)
        if going_back:
            self.failed = self.unwind = True
            return
        self._take_up_steps()

    def _take_up_steps(self) -> None:
        for state in tuple(self._context.recorder.steps.values()):
            if state.outcome.ended:
                self._schedule.take(state.name)
                self._ended(state.name)
            elif state.attempts:
                step = self._schedule.take(state.name)
                if is_taken_up(state, self._context.phase):
                    end_decision(self._context, step.name)
                    self._start(step, in_doubt=state.mid_effect)

    def _hand_out(self) -> None:
        context = self._context
        for step in self._schedule.take_unneeded():
            why = f"not needed: {', '.join(step.rescues)} did not fail"
            context.recorder.write(skipped(step.name, why))
            self._schedule.ended(step.name, well=True)
        if context.phase is not Phase.GOING or not self._open or self.unwind or self._held:
            return
        room = context.limits.parallel - len(self._running)
        ready = self._schedule.take_rescues(room)
        if not self.failed:
            ready += self._schedule.take_ready(room - len(ready))
        unwanted = [step for step in ready if context.recorder.left_out(step.name) is not None]
        for step in ready:
            if step in unwanted:
                self._leave_out(step.name)
            else:
                self._start(step, in_doubt=False)
        if unwanted:
            self._hand_out()

    @property
    def _held(self) -> bool:
        """Whether nothing may begin for now: a person has paused the run, or an heir is awaited."""
        return self._context.recorder.paused or self._escalating

    def _start(self, step: PlanStep, *, in_doubt: bool) -> None:
        run = StepRun(step, self._context, in_doubt=in_doubt)
        self._running[step.name] = run
        self._context.ports.executor.submit(step, run.work)

    def _is_over(self) -> bool:
        """Whether nothing runs that is worth waiting for; notices get a few seconds."""
        if self._is_going and self._waits_for_leave:
            return False
        if not self._running:
            return True
        if any(run.step.kind is not StepKind.NOTICE for run in self._running.values()):
            return False
        if not self.failed and self._is_going and self._schedule.more:
            return False
        now = self._context.clock.monotonic()
        self._last_words_until = self._last_words_until or now + _NOTICES_AT_END
        if now < self._last_words_until:
            return False
        for run in self._running.values():
            if run.attempt is not None:
                run.attempt.abandon(abandoned_result(run.attempt))
        return True

    @property
    def _is_going(self) -> bool:
        return self._context.phase is Phase.GOING

    @property
    def _waits_for_leave(self) -> bool:
        """Whether the run is held up by a person: by the gate, a pause, or an escalation."""
        if not self._open and not self.unwind:
            return True
        more = self._schedule.rescuing if self.failed else self._schedule.more
        return self._escalating or (self._held and (self.unwind or more))

    def _wait(self) -> None:
        """Take what comes in, at the latest at the next tick."""
        inbox = self._context.inbox
        try:
            item = inbox.get(timeout=self._patience)
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
                if item.refused and self._is_going:
                    self.refusal = item.refused
                    self._stop(Phase.ABORTING)
            case Cancelled():
                self._context.recorder.write(AbortAsked(by=item.by))
                self._stop(Phase.ABORTING)
            case Signalled():
                self._signalled()
            case HeirReady():
                self._heir_is_ready(item)
            case Broken():
                self._stop(Phase.LEAVING)
                raise item.error
            case _:
                pass

    def _signalled(self) -> None:
        """The first signal: leave, so that the run can be resumed. The second: abort it."""
        if self._context.phase in {Phase.GOING, Phase.UNWINDING}:
            self._stop(Phase.LEAVING)
        elif self._context.phase is Phase.LEAVING:
            self._context.recorder.write(AbortAsked(by="a second signal to the engine"))
            self._stop(Phase.ABORTING)

    def _heir_is_ready(self, item: HeirReady) -> None:
        """Hand the run over, unless that has become wrong meanwhile; then it just goes on."""
        self._escalating = False
        if begin_handing(self._context, item):
            self._stop(Phase.HANDING_OVER)

    def _stop(self, phase: Phase) -> None:
        if self._context.phase is Phase.HANDING_OVER:
            return
        if self._context.phase is Phase.GOING:
            self._stopped_at = self._context.clock.monotonic()
        self._context.phase = phase
        self.unwind |= phase is Phase.UNWINDING
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
        now = self._context.clock.monotonic()
        if now - self._polled_at >= self._patience * 0.9:
            self._polled_at = now
            self._heed(take_requests(self._context))
            out = tuple(self._running.values())
            for name in overdue(self._context, out, self._stopped_at, now):
                self._step_over(name)
        if now - self._forecast_at >= _FORECAST_EVERY and not self._warned:
            self._forecast_at = now
            self._warn_of_rto()

    def _heed(self, taken: Taken) -> None:
        self._escalating |= taken.escalating
        if taken.stop is not None:
            self._stop(taken.stop)
        elif taken.news:
            self._wake_all()
        for name in taken.left_out:
            if name in self._running:
                self._leave_out(name)

    def _leave_out(self, name: str) -> None:
        """End a step because a person has it left out, whether it has begun or not."""
        asked = self._context.recorder.left_out(name)
        if asked is None:
            return
        result, run = left_out(asked.by, asked.reason), self._running.get(name)
        if run is None:
            reason = self._context.ports.redactor.clean(result.reason)
            self._context.recorder.write(skipped(name, reason, result.by))
            self._ended(name)
        elif run.attempt is not None and run.attempt.abandon(result):
            self._step_over(name)

    def _warn_of_rto(self) -> None:
        context = self._context
        if context.plan.objectives.rto is None or not context.plan.procedure.unplanned:
            return
        ahead = forecast(context.recorder.state(), context.recorder.now())
        if ahead.rto_at_risk:
            self._warned = True
            context.recorder.write(Warned(about="rto_at_risk", text=ahead.text()))
