"""Steer a run from another terminal: pause, continue, retry, skip, unwind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from drtool.bootstrap import App, build
from drtool.connections.ssh_signer import Signer
from drtool.engine.permits import (
    question_of,
    reason_not_to_continue,
    reason_not_to_direct,
    reason_not_to_pause,
    reason_not_to_retry,
    reason_not_to_skip,
    reason_not_to_unwind,
)
from drtool.errors import BadInput, DrtoolError
from drtool.model.event import Request
from drtool.model.pulse import Living
from drtool.model.purpose import Outcome
from drtool.model.steering import UnwindAsked
from drtool.model.value import Value
from drtool.progress.life import life_sentence
from drtool.progress.run_state import RunState
from drtool.progress.words import is_coming_back
from drtool.verbs.drift import refuse_other_version
from drtool.verbs.identity import proven
from drtool.verbs.launch import Launched, launch
from drtool.verbs.records import engine_life, find, state_of
from drtool.verbs.request import requester
from drtool.verbs.resume import take_up


class Steered(Value):
    """What was asked of a run, in words; ``launched`` is the engine that had to be started."""

    run: str
    text: str
    launched: Launched | None = None


def told(steered: Steered, *, as_json: bool) -> str:
    """What was asked, in words or for a script."""
    return steered.model_dump_json(exclude_none=True) if as_json else steered.text


def pause(said: str, reason: str = "", signer: Signer | None = None) -> Steered:
    """Ask a run to begin nothing more."""
    app = build()
    run, state = living(said, app, reason_not_to_pause)
    at = app.clock.wall()
    leave(app, Request(run=run, verb="pause", by=requester(), reason=reason, at=at), signer)
    running = [step.name for step in state.steps if step.outcome is Outcome.RUNNING]
    ends = f"what is under way goes to its end ({', '.join(running)}); " if running else ""
    return Steered(
        run=run,
        text=f"{run}: the run is asked to pause: {ends}nothing more begins until "
        f"drtool continue {run}",
    )


def go_on(said: str, reason: str = "", signer: Signer | None = None) -> Steered:
    """Ask a paused run to go on."""
    app = build()
    run, _ = living(said, app, reason_not_to_continue)
    at = app.clock.wall()
    leave(app, Request(run=run, verb="continue", by=requester(), reason=reason, at=at), signer)
    return Steered(run=run, text=f"{run}: the run is asked to go on")


def retry(said: str, step: str, reason: str = "", signer: Signer | None = None) -> Steered:
    """Ask for another try of a step that waits for a decision, or for another look right now."""
    app = build()
    run, state = living(said, app, lambda state: reason_not_to_retry(state, step))
    leave(app, _of_step(app, state, "retry", step, reason), signer)
    return Steered(run=run, text=f"{run}: step {step} is asked to try again now")


def skip(said: str, step: str, reason: str, signer: Signer | None = None) -> Steered:
    """Ask a run to go on without a step."""
    app = build()
    run, state = living(said, app, lambda state: reason_not_to_skip(state, step, reason))
    leave(app, _of_step(app, state, "skip", step, reason), signer)
    when = " when its turn comes" if state.step(step).outcome is Outcome.PENDING else ""
    return Steered(run=run, text=f"{run}: step {step} is left out{when}, by your word")


def _of_step(
    app: App, state: RunState, verb: Literal["retry", "skip"], step: str, reason: str
) -> Request:
    """A word about one step; of one that waits, with the question that it answers."""
    waiting = question_of(state, step)
    return Request(
        run=state.run,
        verb=verb,
        step=step,
        by=requester(),
        reason=reason,
        at=app.clock.wall(),
        changes_digest=waiting.asked.changes_digest if waiting is not None else None,
        expires=waiting.asked.expires if waiting is not None else None,
    )


def unwind(said: str, reason: str, signer: Signer | None = None) -> Steered:
    """Ask a run to take back what it did; an engine is started where the run's own is gone."""
    app = build()
    if not reason.strip():
        hint = f"drtool unwind {said} --reason 'why'"
        raise BadInput(f"run {said}", "no reason is given for taking it back", hint=hint)
    run, state, lives = known(said, app)
    refusal = reason_not_to_direct(state) or reason_not_to_unwind(state, app.catalog)
    if refusal is not None:
        raise at_rest(refusal, state, lives=lives)
    if lives:
        at = app.clock.wall()
        asked = Request(run=run, verb="unwind", by=requester(), reason=reason, at=at)
        leave(app, asked, signer)
        return Steered(run=run, text=f"{run}: the run is asked to take back what it did")
    refuse_other_version(state)
    word = Request(run=run, verb="unwind", by=requester(), at=app.clock.wall())
    wanted = UnwindAsked(by=proven(app, word, signer).by, reason=reason)
    launched = launch(
        lambda tell: take_up(run, app, tell, asked=(wanted,)),
        app.logs / f"{run}.log",
        redactor=app.redactor,
    )
    text = f"{run}: its engine was gone; another one takes back what it did"
    return Steered(run=run, text=text, launched=launched)


def living(
    said: str, app: App, refuse: Callable[[RunState], DrtoolError | None]
) -> tuple[str, RunState]:
    """A run whose engine can be asked; raises what stands against asking."""
    run, state, lives = known(said, app)
    refusal = refuse(state)
    if refusal is not None:
        raise at_rest(refusal, state, lives=lives)
    if not lives:
        raise BadInput(f"run {run}", "its engine is gone", hint=f"drtool resume {run}")
    return run, state


def known(said: str, app: App) -> tuple[str, RunState, bool]:
    """A run of this machine's own journal, its state, and whether its engine lives.

    Raises BadInput for a run that is not there or whose engine hangs, JournalUnusable for a
    journal that was copied from another machine.
    """
    run = find(said, app)
    app.journal().close()
    state = state_of(run, app)[1]
    life = engine_life(run, app)
    if state.ended is None and life is not None and life.word is Living.HUNG:
        raise BadInput(f"run {run}", life_sentence(life, run), hint=f"kill -9 {life.pid}")
    return run, state, life is not None and life.well


def leave(app: App, request: Request, signer: Signer | None = None) -> int:
    """Leave a request for the run's engine, signed where people have keys; its number."""
    request = proven(app, request, signer)
    journal = app.journal()
    try:
        return journal.request(request)
    finally:
        journal.close()


def at_rest(refusal: DrtoolError, state: RunState, *, lives: bool) -> DrtoolError:
    """The refusal; where nobody is there to end what was asked for, the hint says who does."""
    ending = state.abort or state.escalation or is_coming_back(state)
    if ending and state.ended is None and not lives:
        refusal.hint = f"its engine is gone: drtool resume {state.run}"
    return refusal
