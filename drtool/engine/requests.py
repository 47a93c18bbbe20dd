"""What other terminals ask of a run, turned into events."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from drtool.crashpoint import crashpoint
from drtool.engine.context import HeirReady, Phase, RunContext
from drtool.engine.desk import decision, is_meant
from drtool.engine.permits import (
    question_of,
    reason_not_to_abort,
    reason_not_to_continue,
    reason_not_to_direct,
    reason_not_to_escalate,
    reason_not_to_pause,
    reason_not_to_retry,
    reason_not_to_skip,
    reason_not_to_unwind,
)
from drtool.errors import DrtoolError
from drtool.model.event import AbortAsked, Body, Request, StatementMade, Warned
from drtool.model.proof import Statement
from drtool.model.purpose import Purpose
from drtool.model.steering import RunContinued, RunPaused, StepDirected, UnwindAsked
from drtool.progress.run_state import Consent

# answers are judged where the question waits; whoever reaches the journal may stop a run
_SIGNED_OTHERWISE = {"approve", "confirm", "deny", "abort"}
# what means something only where its question waits
ANSWERS = frozenset({"approve", "confirm", "deny", "retry"})


@dataclass(frozen=True, slots=True)
class Taken:
    """What the requests meant for the scheduler.

    ``stop`` is how the run stops, if it does: an abort wins, in whatever order they came.
    ``news`` says that something changed that steps wait for. ``left_out`` are steps that a person
    skips, ``escalating`` says that a failover is being made ready.
    """

    stop: Phase | None = None
    news: bool = False
    left_out: tuple[str, ...] = ()
    escalating: bool = False


def take_requests(context: RunContext, leave: Collection[str] = ()) -> Taken:
    """Deal with all pending requests: each is in the journal before it has an effect.

    Those whose verb is to ``leave`` stay for later.
    """
    taken = Taken()
    journal, run = context.ports.journal, context.recorder.run
    for request in journal.pending(run):
        if request.verb in leave:
            continue
        taken = _and_then(taken, _take(context, request))
        crashpoint("request.taken")
        journal.settle(request.id)
        crashpoint("request.settled")
    return taken


def _and_then(before: Taken, after: Taken) -> Taken:
    stops = (before.stop, after.stop)
    return Taken(
        stop=Phase.ABORTING if Phase.ABORTING in stops else before.stop or after.stop,
        news=before.news or after.news,
        left_out=before.left_out + after.left_out,
        escalating=before.escalating or after.escalating,
    )


def _take(context: RunContext, request: Request) -> Taken:
    if request.verb not in _SIGNED_OTHERWISE:
        reason = context.quorum.reason_not_to_take(request, context.clock.wall())
        if reason is not None:
            context.recorder.write(warning(request, reason))
            return Taken()
    match request.verb:
        case "approve" | "confirm" | "deny":
            _answer(context, request)
            return Taken()
        case "state":
            context.recorder.write(_statement(context, request))
            return Taken(news=True)
        case "retry" | "skip":
            return _direct(context, request)
        case "escalate":
            return _escalate(context, request)
        case _:
            return _of_the_run(context, request)


def _of_the_run(context: RunContext, request: Request) -> Taken:
    """What speaks of the run as a whole: abort, pause, continue, unwind."""
    refusal: DrtoolError | None = None
    body: Body = AbortAsked(by=request.by, reason=request.reason)
    taken, state = Taken(stop=Phase.ABORTING), context.recorder.state()
    if request.verb == "abort":
        refusal = reason_not_to_abort(state)
    elif request.verb == "pause":
        refusal, taken = reason_not_to_pause(state), Taken()
        body = RunPaused(by=request.by, reason=request.reason)
    elif request.verb == "continue":
        refusal, taken = reason_not_to_continue(state), Taken()
        body = RunContinued(by=request.by, reason=request.reason)
    elif request.verb == "unwind":
        refusal = reason_not_to_direct(state)
        refusal = refusal or reason_not_to_unwind(state, context.ports.entries)
        taken = Taken(stop=Phase.UNWINDING)
        body = UnwindAsked(by=request.by, reason=request.reason)
    if refusal is not None:
        context.recorder.write(warning(request, refusal.line()))
        return Taken()
    context.recorder.write(body)
    return taken


def _direct(context: RunContext, request: Request) -> Taken:
    """Another try of one step, or none at all."""
    state, skip = context.recorder.state(), request.verb == "skip"
    if skip:
        refusal = reason_not_to_skip(state, request.step, request.reason)
    else:
        refusal = reason_not_to_retry(state, request.step)
    if refusal is not None:
        context.recorder.write(warning(request, refusal.line()))
        return Taken()
    directed = StepDirected(
        step=request.step,
        verb="skip" if skip else "retry",
        by=request.by,
        reason=request.reason,
    )
    decided = context.desk.decide(request, directed, context.clock.monotonic())
    if decided is None:
        return _undecided(context, request, directed, question_of(state, request.step))
    waiter, answer = decided
    try:
        context.recorder.write(*answer)
    finally:
        if waiter is not None:
            waiter.done.set()
    return Taken()


def _undecided(
    context: RunContext, request: Request, directed: StepDirected, asked: Consent | None
) -> Taken:
    """A word about a step that waits for nobody here.

    ``asked`` is its question that an earlier engine left: a step that is left out needs no other.
    """
    if request.expires is not None and (asked is None or not is_meant(asked.asked, request)):
        context.recorder.write(warning(request, context.desk.why_not(request.step)))
        return Taken()
    if request.verb != "skip":
        context.recorder.write(directed)
        return Taken(news=True)
    given = [decision(asked.asked, request)] if asked is not None else []
    context.recorder.write(directed, *given)
    return Taken(left_out=(request.step,))


def _escalate(context: RunContext, request: Request) -> Taken:
    """Make a failover ready on a thread of its own; the scheduler hears of it."""
    ready_heir, refusal = context.ports.ready_heir, reason_not_to_escalate(context.recorder.state())
    if refusal is not None or ready_heir is None:
        why = refusal.line() if refusal else "this engine cannot begin another run"
        context.recorder.write(warning(request, why))
        return Taken()

    def make_ready() -> None:
        try:
            context.inbox.put(HeirReady(request, ready_heir(request)))
        except Exception as error:  # noqa: BLE001 - the run goes on without it
            line = error.line() if isinstance(error, DrtoolError) else str(error)
            context.inbox.put(HeirReady(request, refusal=line))

    threading.Thread(target=make_ready, name="heir", daemon=True).start()
    return Taken(escalating=True)


def _answer(context: RunContext, request: Request) -> None:
    waiter, answer = context.desk.answer(request, context.clock.monotonic())
    try:
        context.recorder.write(*answer)
    finally:
        if waiter is not None:
            waiter.done.set()


def _statement(context: RunContext, request: Request) -> StatementMade | Warned:
    """A person's word that the old primary is fenced; it needs a reason and the service's name."""
    step = context.recorder.steps.get(request.step)
    if request.service != context.plan.service:
        typed = f"{request.service!r} was typed, the service is {context.plan.service!r}"
        return warning(request, f"{typed}; the statement does not count")
    if not request.reason.strip():
        return warning(request, "a statement needs a reason; it does not count")
    if step is None or step.purpose is not Purpose.FENCE:
        return warning(request, f"{request.step!r} is no step that fences")
    statement = Statement(by=request.by, reason=request.reason, at=request.at)
    return StatementMade(step=request.step, statement=statement)


def warning(request: Request, text: str) -> Warned:
    """That a request has no effect, and why."""
    return Warned(about="request", text=f"{request.verb} by {request.by}: {text}")
