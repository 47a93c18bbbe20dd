"""Answer a question of a run from another terminal: approve, confirm or deny."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from drtool.bootstrap import App, build
from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput, Refused, hint_of
from drtool.model.approving import ApprovalGiven
from drtool.model.event import ConsentAsked, ConsentGiven, Event, Request, Warned
from drtool.model.signed_text import Answer, answer_text
from drtool.progress.approvals import so_far
from drtool.progress.run_state import Consent, RunState
from drtool.progress.state import fold
from drtool.safety.rights import BREAK_GLASS, reason_not_to_answer
from drtool.verbs.evidence import keep
from drtool.verbs.identity import Identity, identity, masked, signer_of
from drtool.verbs.records import engine_lives, records, state_of
from drtool.verbs.request import requester

Verb = Literal["approve", "confirm", "deny"]
PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Said:
    """What was typed: the verb, the step, the service's name, the reason, what shows it."""

    verb: Verb
    step: str
    service: str = ""
    reason: str = ""
    break_glass: bool = False
    evidence: tuple[Path, ...] = ()


def answer(run_said: str, said: Said, signer: Signer | None = None) -> str:
    """Leave an answer for a run's engine, signed where people have keys; what came of it.

    Raises BadInput when the run or the step waits for no answer, or no key of the inventory is at
    hand, and Refused when this person's answer does not count.
    """
    app = build()
    run, state = state_of(run_said, app)
    consent = _question(run, state, said, app)
    request = Request(
        run=run,
        verb=said.verb,
        step=said.step,
        service=said.service,
        by=requester(),
        reason=said.reason,
        at=app.clock.wall(),
        break_glass=said.break_glass,
        changes_digest=consent.asked.changes_digest,
        expires=consent.asked.expires,
    )
    request = masked(app, state.plan, request)
    if state.plan.inventory.proves_identity:
        who = identity(state.plan.inventory, signer or signer_of())
        _must_count(state, consent, said, who)
        evidence = keep(app, run, said.evidence)
        request = request.model_copy(update={"evidence": evidence})
        request = signed(request, state, consent.asked, who)
    elif said.evidence:
        request = request.model_copy(update={"evidence": keep(app, run, said.evidence)})
    journal = app.journal()
    try:
        journal.request(request)
    finally:
        journal.close()
    return f"{run}: {_came_of(run, state, request, app)}"


def _question(run: str, state: RunState, said: Said, app: App) -> Consent:
    """The question that is answered; raises BadInput with why there is none."""
    if state.ended is not None:
        hint = f"drtool explain {run}"
        raise BadInput(f"run {run}", f"has ended: {state.ended.outcome.value}", hint=hint)
    if not engine_lives(run, app):
        raise BadInput(f"run {run}", "its engine is gone", hint=f"drtool resume {run}")
    service = state.plan.service
    if said.verb == "approve" and said.service != service:
        raise BadInput(
            f"run {run}",
            f"--service says {said.service!r}",
            f"the run's service {service!r}",
            f"drtool approve {run} {said.step} --service {service}",
        )
    found = next((one for one in state.waiting_for if one.asked.step == said.step), None)
    if found is None:
        raise _not_waiting(run, state, said.step)
    asked = found.asked
    if asked.expires is not None and asked.expires < app.clock.wall():
        raise _expired(run, said.step, asked.expires)
    if said.verb == "confirm" and asked.what != "manual":
        raise BadInput(
            f"step {said.step}",
            f"waits for {'an approval' if asked.what == 'approval' else 'consent'}",
            "work by hand to confirm",
            f"drtool approve {run} {said.step} --service {service}",
        )
    if said.break_glass and not said.reason.strip():
        raise BadInput("--break-glass", "no reason is given", hint=BREAK_GLASS)
    return found


def _not_waiting(run: str, state: RunState, step: str) -> BadInput:
    """Why a step waits for nobody: answered, expired, or not its turn."""
    waiting = [consent.asked.step for consent in state.waiting_for]
    last = next((one for one in reversed(state.consents) if one.asked.step == step), None)
    if last is not None and last.given is not None:
        given = last.given
        if given.decision == "expired" and last.asked.expires is not None:
            if last.given_at is not None and last.given_at.wall < last.asked.expires:
                found = f"is not asked any more: {given.reason}"
                return BadInput(f"step {step}", found, hint=f"drtool attach {run}")
            return _expired(run, step, last.asked.expires)
        found = f"was {given.decision} by {given.by} already; the first decision counts"
        return BadInput(f"step {step}", found, hint=f"drtool status {run}")
    names = ", ".join(waiting) or "nothing waits now"
    hint = f"drtool status {run}" if waiting else f"it may ask in a moment: drtool attach {run}"
    found = f"step {step!r} does not wait"
    return BadInput(f"run {run}", found, f"one that does: {names}", hint)


def _expired(run: str, step: str, expires: datetime) -> BadInput:
    found = f"has expired at {expires:%H:%M:%S}Z; an answer counts no more"
    return BadInput(f"step {step}", found, hint=f"drtool explain {run}")


def _must_count(state: RunState, consent: Consent, said: Said, who: Identity) -> None:
    """Raise BadInput or Refused when this person's answer would not count."""
    asked, step = consent.asked, f"step {consent.asked.step}"
    if any(one.by == who.person for one in consent.approvals):
        found = f"{who.person} has answered already; the first decision counts"
        raise BadInput(step, found, hint=f"drtool status {state.run}")
    if said.break_glass:
        return
    requester, mode, denies = state.requester_name, state.mode, said.verb == "deny"
    inventory = state.plan.inventory
    reason = reason_not_to_answer(asked, inventory, who.person, requester, mode, denies=denies)
    if reason is not None:
        raise Refused(step, reason, hint=hint_of(reason))


def signed(request: Request, state: RunState, asked: ConsentAsked, who: Identity) -> Request:
    """An answer with its person's name and signature."""
    given = Answer(
        by=who.person,
        decision="denied" if request.verb == "deny" else "approved",
        reason=request.reason,
        break_glass=request.break_glass,
        evidence=request.evidence,
    )
    message = answer_text(state.run, state.mode, state.plan, asked, given)
    return request.model_copy(update={"by": who.person, "signed": who.signed(message)})


def _came_of(run: str, state: RunState, request: Request, app: App) -> str:
    """What the engine made of the answer; raises Refused when it does not count."""
    end, seq = time.monotonic() + PATIENCE_SECONDS, state.seq
    while time.monotonic() < end:
        journal = records(app)
        try:
            fresh = journal.events(run, seq)
            told = _told(fresh, request)
            if told is not None:
                whole = fold(journal.events(run))
                return _in_words(told, request, whole)
        finally:
            journal.close()
        time.sleep(_POLL_SECONDS)
    return f"the answer about {request.step} is left; its engine has not taken it yet"


def _told(fresh: list[Event], request: Request) -> ApprovalGiven | ConsentGiven | Warned | None:
    """The first event that says what became of the request; the answer as a whole is best."""
    mine: ApprovalGiven | None = None
    for event in fresh:
        body = event.body
        if isinstance(body, ConsentGiven) and body.step == request.step:
            return body
        if isinstance(body, ApprovalGiven) and (body.step, body.by) == (request.step, request.by):
            mine = body
        if isinstance(body, Warned) and body.text.startswith(f"{request.verb} by {request.by}: "):
            return body
    return mine


def _in_words(
    told: ApprovalGiven | ConsentGiven | Warned, request: Request, state: RunState
) -> str:
    step = request.step
    if isinstance(told, Warned):
        raise Refused(
            f"step {step}", told.text.partition(": ")[2], hint=f"drtool status {state.run}"
        )
    if isinstance(told, ApprovalGiven):
        waiting = (one for one in state.waiting_for if one.asked.step == step)
        return f"{step} is approved by {told.by}: " + "".join(so_far(one, state) for one in waiting)
    if told.decision == "denied":
        return f"{step} is denied"
    if told.decision == "expired":
        raise Refused(f"step {step}", told.reason, hint=f"drtool explain {state.run}")
    loud = "BREAK-GLASS: " if request.break_glass else ""
    if request.verb == "confirm":
        return f"{loud}{step} is confirmed as done"
    return f"{loud}{step} is approved"
