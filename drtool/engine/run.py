"""A run: the engine that carries a plan from its start to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Self

from drtool.action import Facts
from drtool.crashpoint import crashpoint
from drtool.engine.beginning import opening_of
from drtool.engine.context import Cancelled, Phase, RunContext
from drtool.engine.ending import ending
from drtool.engine.ports import Heir, Ports, Resumption, RunSettings
from drtool.engine.recorder import Audience, Recorder
from drtool.engine.scheduler import Scheduler
from drtool.engine.signals import Signals
from drtool.engine.unwind import unwind
from drtool.errors import DrtoolError, Interrupted, JournalUnusable
from drtool.model.event import (
    Event,
    LeaseEnded,
    ReportWritten,
    RunEnded,
    Warned,
)
from drtool.model.purpose import Outcome
from drtool.progress.summary import as_markdown


class Engine:
    """Runs one plan once, or takes up a run that was interrupted.

    What it does is in the journal before it is told; what it is told is in the journal before it
    is done. It owns the process: call ``execute`` in the main thread.
    """

    def __init__(self, settings: RunSettings | Resumption, ports: Ports) -> None:
        opening = opening_of(settings, ports)
        if opening.begun.mode.changes_the_world != (ports.hands is not None):
            mode = opening.begun.mode.value
            raise DrtoolError(f"mode {mode}", "hands are given in live and drill, and only there")
        plan, begun, events = opening.begun.plan, opening.begun, opening.events
        self._ports, self._first = ports, opening.first
        self._audience = Audience(ports.listeners)
        self._recorder = Recorder(opening.run, ports.journal, ports.clock, self._audience)
        self._recorder.restore(events)
        facts = Facts(
            run=opening.run,
            mode=begun.mode,
            procedure=plan.procedure,
            service=plan.service,
            inventory=plan.inventory,
            direction=plan.direction,
            objectives=plan.objectives,
            started=events[0].at.wall if events else ports.clock.wall(),
            outage_start=begun.outage_start,
            accepted_loss=begun.accepted_loss,
        )
        self._context = RunContext(begun, facts, ports, self._recorder)
        self._context.resumed = bool(events)
        self._lease_given_back = ports.lease is None
        self._begun = self._handed_over = False
        self._last_words: threading.Thread | None = None

    @classmethod
    def resume(cls, events: Sequence[Event], ports: Ports, by: str, drift: str = "") -> Self:
        """An engine that takes up an interrupted run from its events.

        The stored plan is run, whatever the runbook says now; ``drift`` says how they differ.
        Raises Refused when the run has ended, JournalUnusable when its events begin no run.
        """
        return cls(Resumption(tuple(events), by, drift), ports)

    def begin(self) -> None:
        """Write how the run begins; ``execute`` does it where nobody has."""
        if not self._begun:
            self._begun = True
            crashpoint("lease.taken")
            self._recorder.write(*self._first)
            resumed = self._context.resumed
            crashpoint("run.resumed-written" if resumed else "run.started-written")

    def execute(self, tell: Callable[[], None] | None = None) -> RunEnded:
        """Run to the end; in the main thread, because it handles the process's signals.

        ``tell`` says that the run has begun: it is called when the journal holds that it has.
        A run that was handed over still writes its report while the other one goes on: ``settle``
        waits for it.

        Raises Interrupted when the process was told to leave (the run can be resumed), and
        JournalUnusable when nothing can be recorded any more.
        """
        context = self._context
        with Signals(context.inbox), self._pulse():
            try:
                self.begin()
                if tell is not None:
                    tell()
                self._ports.executor.start(
                    context.plan,
                    self._recorder.run,
                    lambda: context.inbox.put(Cancelled(self._ports.executor.name)),
                )
                return self._carry()
            finally:
                if not self._handed_over:
                    self._release()
                    self._audience.dismiss(context.clock, context.limits.listeners)

    @property
    def heir(self) -> Heir | None:
        """The run that this one was handed over to; None when it was not."""
        return self._context.heir if self._handed_over else None

    def settle(self) -> None:
        """Wait until all that comes after a handed over run's end is done; it is bounded."""
        if self._last_words is not None:
            self._last_words.join()

    def _pulse(self) -> AbstractContextManager[object]:
        pulse = self._ports.pulse
        return nullcontext() if pulse is None else pulse(self._recorder.run)

    def _carry(self) -> RunEnded:
        scheduler = Scheduler(self._context)
        try:
            scheduler.run()
        except Exception as error:
            self._leave(str(error))
            raise
        going_back = scheduler.unwind and self._context.phase in {Phase.GOING, Phase.UNWINDING}
        unwound = going_back and unwind(self._context)
        if self._context.phase is Phase.LEAVING:
            why = "the engine was told to leave"
            self._give_lease_back("", why)
            self._leave(why)
            run = self._recorder.run
            raise Interrupted(f"run {run}", why, hint=f"drtool resume {run}")
        ended = ending(self._recorder.state(), scheduler.refusal, unwound=unwound)
        if ended.outcome is Outcome.HANDED_OVER and self._context.heir is not None:
            return self._hand_over(ended, self._context.heir)
        self._recorder.write(ended)
        crashpoint("run.ended-written")
        self._give_lease_back(self._context.lease_lost)
        self._finish(ended)
        return ended

    def _hand_over(self, ended: RunEnded, heir: Heir) -> RunEnded:
        """Let the heir begin, with the lease that this run still holds, then end.

        Whoever takes either run up after a crash in between finds the other one named.
        """
        heir.begin()
        crashpoint("heir.started-written")
        self._handed_over = self._lease_given_back = True
        left = LeaseEnded(lost=False, reason=f"handed over to run {heir.asked.heir}")
        self._recorder.write(ended, *([left] if self._ports.lease is not None else []))
        crashpoint("run.ended-written")
        self._last_words = threading.Thread(
            target=self._say_last_words, args=(ended,), name="last words", daemon=True
        )
        self._last_words.start()
        return ended

    def _say_last_words(self, ended: RunEnded) -> None:
        try:
            with suppress(JournalUnusable):
                self._finish(ended)
        finally:
            self._audience.dismiss(self._context.clock, self._context.limits.listeners)

    def _leave(self, why: str) -> None:
        """Let the executor go without an end: somebody will take the run up."""
        left = RunEnded(
            outcome=Outcome.WAITING,
            exit_code=Interrupted.exit_code,
            world=self._recorder.state().world_if_stopped,
            reason=f"{why}; the run can be resumed",
        )
        with suppress(Exception):
            self._ports.executor.finish(left, "")

    def _finish(self, ended: RunEnded) -> None:
        """Report, then let executor and listeners end; none can change how the run ended.

        What they could not do is written, and the report once more with it.
        """
        clock, limits = self._context.clock, self._context.limits
        end = clock.monotonic() + limits.ending
        written = self._report()
        if written is not None:
            self._recorder.write(written)
        try:
            summary = as_markdown(self._recorder.state())
            lacking = self._ports.executor.finish(ended, summary)
        except Exception as error:  # noqa: BLE001 - the run is over, whatever its carrier says
            lacking = f"{self._ports.executor.name}: {type(error).__name__}: {error}"
        warned = [Warned(about="executor", text=lacking)] if lacking else []
        left = min(limits.listeners, max(0.0, end - clock.monotonic()))
        untold = self._audience.accounts(clock, left)
        warned += [Warned(about="notices", text=text) for text in untold]
        if warned:
            self._recorder.write(*warned)
            self._report()

    def _report(self) -> ReportWritten | None:
        if self._ports.report is None:
            return None
        try:
            return self._ports.report(self._recorder.run)
        except JournalUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - a report that fails must not fail the run
            reason = error.line() if isinstance(error, DrtoolError) else str(error)
            return ReportWritten(trouble=f"{type(error).__name__}: {reason}")

    def _give_lease_back(self, lost: str, reason: str = "") -> None:
        if self._ports.lease is None or self._lease_given_back:
            return
        self._release()
        crashpoint("lease.given-back")
        self._recorder.write(LeaseEnded(lost=bool(lost), reason=lost or reason))
        crashpoint("lease.ended-written")

    def _release(self) -> None:
        """Give the lease back, once, whatever happened."""
        if self._ports.lease is not None and not self._lease_given_back:
            self._lease_given_back = True
            with suppress(Exception):
                self._ports.lease.release()
