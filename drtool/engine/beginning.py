"""How a run begins or is taken up: what is known of it, and what is written first."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from drtool import __version__
from drtool.engine.ports import Ports, Resumption, RunSettings
from drtool.errors import JournalUnusable, Refused
from drtool.model.event import (
    Body,
    Event,
    LeaseTaken,
    RunEnded,
    RunResumed,
    RunStarted,
    StatementMade,
    Warned,
)
from drtool.model.plan import Plan
from drtool.model.purpose import Purpose, StepKind
from drtool.process import identity


@dataclass(frozen=True, slots=True)
class Opening:
    """How a run begins or goes on: what is known of it, and what is written first."""

    run: str
    begun: RunStarted
    events: tuple[Event, ...]
    first: tuple[Body, ...]


def opening_of(settings: RunSettings | Resumption, ports: Ports) -> Opening:
    """The beginning of a run that is new, or that is taken up.

    Raises Refused when the run has ended, JournalUnusable when its events begin no run.
    """
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
        signed=settings.signed,
        break_glass=settings.break_glass,
        escalates=settings.escalates,
        automatic=settings.automatic,
    )
    first: list[Body] = [begun, *_lease_taken(ports)]
    if settings.taken_over:
        first.append(Warned(about="lease_taken_over", text=settings.taken_over))
    if settings.accepted_loss is not None:
        first.append(Warned(about="data_loss_accepted", text=str(settings.accepted_loss)))
    if settings.break_glass:
        text = f"BREAK-GLASS: {settings.requester} began this run: {settings.break_glass}"
        first.append(Warned(about="break_glass", text=text))
    if settings.automatic is not None:
        first.append(Warned(about="automatic", text=str(settings.automatic)))
    first += settings.warned
    if (stated := settings.statement) is not None:
        first += [StatementMade(step=name, statement=stated) for name in _fences(settings.plan)]
    return Opening(settings.run, begun, (), tuple(first))


def _taken_up(resumption: Resumption, ports: Ports) -> Opening:
    run, begun = resumption.events[0].run, resumption.events[0].body
    if not isinstance(begun, RunStarted):
        raise JournalUnusable(f"run {run}", "its events do not begin with run.started")
    for event in resumption.events:
        if isinstance(event.body, RunEnded):
            raise Refused(f"run {run}", f"has ended: {event.body.outcome.value}")
    resumed = RunResumed(
        by=resumption.by,
        host=socket.gethostname(),
        pid=os.getpid(),
        process=identity(os.getpid()),
        version=__version__,
        drift=resumption.drift,
    )
    first = (resumed, *_lease_taken(ports), *resumption.asked)
    return Opening(run, begun, tuple(resumption.events), first)


def _lease_taken(ports: Ports) -> list[Body]:
    lease = ports.lease
    if lease is None:
        return []
    return [LeaseTaken(arbiter=lease.arbiter, token=lease.token, holder=lease.holder)]


def _fences(plan: Plan) -> list[str]:
    """The steps that a statement given beforehand speaks of: it is of the whole site."""
    return [
        step.name
        for step in plan.steps
        if step.purpose is Purpose.FENCE and step.kind is not StepKind.CHECK
    ]
