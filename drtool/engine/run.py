"""A run: the engine that carries a plan from its start to its end."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Self

from drtool import __version__
from drtool.action import Facts
from drtool.crashpoint import crashpoint
from drtool.engine.context import Cancelled, Phase, RunContext
from drtool.engine.ending import ending
from drtool.engine.ports import Ports, Resumption, RunSettings
from drtool.engine.recorder import Audience, Recorder
from drtool.engine.scheduler import Scheduler
from drtool.engine.signals import Signals
from drtool.engine.unwind import unwind
from drtool.errors import DrtoolError, Interrupted, JournalUnusable, Refused
from drtool.model.event import (
    Body,
    Event,
    LeaseEnded,
    LeaseTaken,
    ReportWritten,
    RunEnded,
    RunResumed,
    RunStarted,
    StatementMade,
    Warned,
)
from drtool.model.plan import Plan
from drtool.model.purpose import Outcome, Purpose, StepKind
from drtool.process import identity
from drtool.progress.state import fold
from drtool.progress.summary import as_markdown


class Engine:
    """Runs one plan once, or takes up a run that was interrupted.

    What it does is in the journal before it is told; what it is told is in the journal before it
    is done. It owns the process: call ``execute`` in the main thread.
    """

    def __init__(self, settings: RunSettings | Resumption, ports: Ports) -> None:
        opening = _opening(settings, ports)
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

    @classmethod
    def resume(cls, events: Sequence[Event], ports: Ports, by: str, drift: str = "") -> Self:
        """An engine that takes up an interrupted run from its events.

        The stored plan is run, whatever the runbook says now; ``drift`` says how they differ.
        Raises Refused when the run has ended, JournalUnusable when its events begin no run.
        """
        return cls(Resumption(tuple(events), by, drift), ports)

    def execute(self) -> RunEnded:
        """Run to the end; in the main thread, because it handles the process's signals.

        Raises Interrupted when the process was told to leave (the run can be resumed), and
        JournalUnusable when nothing can be recorded any more.
        """
        context = self._context
        with Signals(context.inbox), self._pulse():
            try:
                self._recorder.write(*self._first)
                crashpoint("run.resumed-written" if context.resumed else "run.started-written")
                self._ports.executor.start(
                    context.plan,
                    self._recorder.run,
                    lambda: context.inbox.put(Cancelled(self._ports.executor.name)),
                )
                return self._carry()
            finally:
                self._release()
                self._audience.dismiss(context.clock, context.limits.listeners)

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
        if self._context.phase is Phase.LEAVING:
            why = "the engine was told to leave"
            self._give_lease_back("", why)
            self._leave(why)
            run = self._recorder.run
            raise Interrupted(f"run {run}", why, hint=f"drtool resume {run}")
        unwound = scheduler.unwind and self._context.phase is Phase.GOING and unwind(self._context)
        ended = ending(self._recorder.state(), scheduler.refusal, unwound=unwound)
        self._recorder.write(ended)
        crashpoint("run.ended-written")
        self._give_lease_back(self._context.lease_lost)
        self._finish(ended)
        return ended

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
        self._recorder.write(LeaseEnded(lost=bool(lost), reason=lost or reason))

    def _release(self) -> None:
        """Give the lease back, once, whatever happened."""
        if self._ports.lease is not None and not self._lease_given_back:
            self._lease_given_back = True
            with suppress(Exception):
                self._ports.lease.release()


@dataclass(frozen=True, slots=True)
class _Opening:
    """How a run begins or goes on: what is known of it, and what is written first."""

    run: str
    begun: RunStarted
    events: tuple[Event, ...]
    first: tuple[Body, ...]


def _opening(settings: RunSettings | Resumption, ports: Ports) -> _Opening:
    if isinstance(settings, Resumption):
        return _taken_up(settings, ports)
    begun = RunStarted(
        plan=settings.plan,
        mode=settings.mode,
        requester=settings.requester,
        host=socket.gethostname(),
        pid=os.getpid(),
        process=identity(os.getpid()),
        version=__version__,
        engine=ports.executor.name,
        engine_note=settings.engine_note,
        outage_start=settings.outage_start,
        outage_source=settings.outage_source,
        accepted_loss=settings.accepted_loss,
        adopts=settings.adopts,
    )
    first: list[Body] = [begun, *_lease_taken(ports)]
    if settings.accepted_loss is not None:
        first.append(Warned(about="data_loss_accepted", text=str(settings.accepted_loss)))
    fence = _first_fence(settings.plan)
    if settings.statement is not None and fence is not None:
        first.append(StatementMade(step=fence, statement=settings.statement))
    return _Opening(settings.run, begun, (), tuple(first))


def _taken_up(resumption: Resumption, ports: Ports) -> _Opening:
    state = fold(resumption.events)
    begun = resumption.events[0].body
    if not isinstance(begun, RunStarted):
        raise JournalUnusable(f"run {state.run}", "its events do not begin with run.started")
    if state.ended is not None:
        raise Refused(f"run {state.run}", f"has ended: {state.ended.outcome.value}")
    resumed = RunResumed(
        by=resumption.by,
        host=socket.gethostname(),
        pid=os.getpid(),
        process=identity(os.getpid()),
        version=__version__,
        drift=resumption.drift,
    )
    return _Opening(state.run, begun, tuple(resumption.events), (resumed, *_lease_taken(ports)))


def _lease_taken(ports: Ports) -> list[Body]:
    lease = ports.lease
    if lease is None:
        return []
    return [LeaseTaken(arbiter=lease.arbiter, token=lease.token, holder=lease.holder)]


def _first_fence(plan: Plan) -> str | None:
    """The step that a statement given beforehand speaks of."""
    fences = (
        step.name
        for step in plan.steps
        if step.purpose is Purpose.FENCE and step.kind is not StepKind.CHECK
    )
    return next(fences, None)
