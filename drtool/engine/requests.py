"""What other terminals ask of a run, turned into events."""

from __future__ import annotations

from dataclasses import dataclass

from drtool.engine.context import RunContext
from drtool.model.event import AbortAsked, Request, StatementMade, Warned
from drtool.model.proof import Statement
from drtool.model.purpose import Purpose


@dataclass(frozen=True, slots=True)
class Taken:
    """What the requests meant for the scheduler: an abort, or a word that steps wait for."""

    abort: bool = False
    news: bool = False


def take_requests(context: RunContext) -> Taken:
    """Deal with all pending requests: each is in the journal before it has an effect."""
    abort = news = False
    journal, run = context.ports.journal, context.recorder.run
    for request in journal.pending(run):
        match request.verb:
            case "approve" | "deny" | "continue":
                _answer(context, request)
            case "abort":
                context.recorder.write(AbortAsked(by=request.by, reason=request.reason))
                abort = True
            case "state":
                context.recorder.write(_statement(context, request))
                news = True
            case "pause":
                context.recorder.write(_warning(request, "a run cannot be paused; abort it"))
        journal.settle(request.id)
    return Taken(abort=abort, news=news)


def _answer(context: RunContext, request: Request) -> None:
    waiter, answer = context.desk.answer(request)
    try:
        context.recorder.write(answer)
    finally:
        if waiter is not None:
            waiter.done.set()


def _statement(context: RunContext, request: Request) -> StatementMade | Warned:
    """A person's word that the old primary is fenced; it needs a reason and the service's name."""
    step = context.recorder.steps.get(request.step)
    if request.service != context.plan.service:
        typed = f"{request.service!r} was typed, the service is {context.plan.service!r}"
        return _warning(request, f"{typed}; the statement does not count")
    if not request.reason.strip():
        return _warning(request, "a statement needs a reason; it does not count")
    if step is None or step.purpose is not Purpose.FENCE:
        return _warning(request, f"{request.step!r} is no step that fences")
    statement = Statement(by=request.by, reason=request.reason, at=request.at)
    return StatementMade(step=request.step, statement=statement)


def _warning(request: Request, text: str) -> Warned:
    return Warned(about="request", text=f"{request.verb} by {request.by}: {text}")
