"""Whether a person may ask something of a run now; each refusal says what to type instead.

The verbs ask before they leave a request, the engine asks again when it takes it.
"""

from __future__ import annotations

from drtool.action import Entry, StateAction
from drtool.engine.ports import Entries
from drtool.errors import BadInput, DrtoolError, Refused
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind
from drtool.progress.approvals import answer_to
from drtool.progress.commands import failover_instead, is_in_runbook
from drtool.progress.run_state import Consent, RunState, StepState
from drtool.progress.words import is_coming_back
from drtool.runbook.mentions import mentions

_HANDED_ON = {Procedure.SWITCHOVER, Procedure.FAILBACK}


def reason_not_to_direct(state: RunState) -> DrtoolError | None:
    """The error for a run that takes no word but an abort: it has ended, or is ending."""
    run = f"run {state.run}"
    if state.ended is not None:
        if state.ended.heir:
            hint = f"drtool attach {state.ended.heir}"
            return BadInput(run, f"was handed over to run {state.ended.heir}", hint=hint)
        hint = f"drtool explain {state.run}"
        return BadInput(run, f"has ended: {state.ended.outcome.value}", hint=hint)
    for asked, what in (
        (state.abort, "to abort"),
        (state.unwinding, "to take it back"),
        (state.escalation, "to hand it over to a failover"),
    ):
        if asked is not None:
            return BadInput(run, f"{asked.by} asked {what}", hint=f"drtool attach {state.run}")
    if is_coming_back(state):
        found = "is being taken back, as the runbook says"
        return BadInput(run, found, hint=f"drtool attach {state.run}")
    return None


def reason_not_to_abort(state: RunState) -> DrtoolError | None:
    """The error for a run that a failover takes over at this moment: that one may be aborted."""
    if state.escalation is None:
        return None
    heir = state.escalation.heir
    found = f"is being handed over to run {heir}"
    return BadInput(f"run {state.run}", found, hint=f"drtool abort {heir}")


def reason_not_to_pause(state: RunState) -> DrtoolError | None:
    """The error that forbids a pause."""
    if state.paused is not None:
        found = f"{state.paused.asked.by} has paused it already"
        return BadInput(f"run {state.run}", found, hint=f"drtool continue {state.run}")
    return reason_not_to_direct(state)


def reason_not_to_continue(state: RunState) -> DrtoolError | None:
    """The error for a run that goes on as it is."""
    ending = reason_not_to_direct(state)
    if ending is None and state.paused is None:
        hint = _answer(state) or f"drtool attach {state.run}"
        return BadInput(f"run {state.run}", "is not paused", hint=hint)
    return ending


def reason_not_to_retry(state: RunState, name: str) -> DrtoolError | None:
    """The error that forbids another try of a step, or another look right now."""
    step = _step(state, name)
    if isinstance(step, DrtoolError):
        return reason_not_to_direct(state) or step
    waiting = question_of(state, name)
    if waiting is not None and waiting.asked.what != "decision":
        found = f"waits for {_awaited(waiting)}, not for another try"
        return BadInput(f"step {name}", found, hint=_answer(state))
    ending = reason_not_to_direct(state)
    if ending is not None or waiting is not None:
        return ending
    if step.outcome is not Outcome.RUNNING:
        hint = f"drtool status {state.run}"
        if step.outcome is Outcome.PENDING and state.paused is not None:
            hint = f"drtool continue {state.run}"
        return BadInput(f"step {name}", _stands(step), "a step that is at work or waits", hint)
    return None


def reason_not_to_skip(state: RunState, name: str, reason: str) -> DrtoolError | None:
    """The error that forbids to leave a step out."""
    step = _step(state, name)
    ending = reason_not_to_direct(state)
    if ending is not None or isinstance(step, DrtoolError):
        return ending or (step if isinstance(step, DrtoolError) else None)
    asked = state.left_out(name)
    if asked is not None and (step.outcome.ended or step.outcome is Outcome.PENDING):
        found = f"{asked.by} has it left out already"
        return BadInput(f"step {name}", found, hint=f"drtool status {state.run}")
    if not reason.strip():
        hint = f"drtool skip {state.run} {name} --reason 'why'"
        return BadInput(f"step {name}", "no reason is given for leaving it out", hint=hint)
    return _refusal_to_skip(state, step) or _busy(state, step)


def _refusal_to_skip(state: RunState, step: StepState) -> Refused | None:
    """What no person can leave out, whatever the reason."""
    run, service, subject = state.run, state.plan.service, f"step {step.name}"
    if step.outcome.ended:
        return None
    if step.plan.kind is StepKind.APPROVAL:
        hint = f"drtool approve {run} {step.name} --service {service}"
        return Refused(subject, "is an approval: it is given or denied, not left out", hint=hint)
    if step.purpose is Purpose.FENCE and step.plan.kind is not StepKind.CHECK:
        said = "is a fence: without it two sites may write; only your word can stand in its place"
        hint = f"drtool state {run} {step.name} --service {service} --reason 'how you know'"
        if not state.plan.procedure.unplanned:
            hint = f"drtool abort {run}"
            said = "is a fence: without it two sites may write"
        return Refused(subject, said, hint=hint)
    if step.purpose is Purpose.PROMOTE and step.plan.kind is not StepKind.CHECK:
        found = "is the promotion: without it nobody takes over, and clients must not be moved"
        hint = f"drtool abort {run}, promote by hand, start again: what is done is found done"
        return Refused(subject, found, hint=hint)
    for later in state.steps:
        if state.left_out(later.name) is not None or later.outcome.ended:
            continue
        if step.name in mentions(later.plan, state.plan.steps):
            found = f"step {later.name} refers to what it sees, and could not run"
            hint = f"drtool skip {run} {later.name} --reason 'why', first; or drtool abort {run}"
            return Refused(subject, found, hint=hint)
    return None


def _busy(state: RunState, step: StepState) -> BadInput | None:
    """The error for a step that has ended, or that is in the middle of what it changes."""
    if step.outcome.ended:
        hint = f"drtool explain {state.run}"
        return BadInput(f"step {step.name}", _stands(step), hint=hint)
    if step.outcome is Outcome.PENDING or only_looks(step):
        return None
    waiting = question_of(state, step.name)
    decides = waiting is not None and waiting.asked.what == "decision"
    if decides and step.outcome is Outcome.WAITING:
        return None
    return BadInput(
        f"step {step.name}",
        "is at work, and may have changed something already",
        "a step that has not begun, that only looks, or that waits for a decision",
        f"drtool retry {state.run} {step.name} to have it look again, or drtool abort {state.run}",
    )


def only_looks(step: StepState) -> bool:
    """Whether a step changes nothing that stays: it may be left out while it is at work."""
    looks = step.plan.kind in {StepKind.CHECK, StepKind.MANUAL}
    return looks or step.purpose is Purpose.VERIFY


def reason_not_to_unwind(state: RunState, entries: Entries) -> DrtoolError | None:
    """The error that forbids to take a run back."""
    run = f"run {state.run}"
    if not state.mode.changes_the_world:
        found = f"is a {state.mode.value}: it changes nothing"
        return BadInput(run, found, hint=f"drtool abort {state.run}")
    if state.past_no_return:
        return Refused(
            run,
            "a promotion was begun: from there it goes only forward",
            hint=f"drtool abort {state.run} stops it in a named state; when the new primary "
            "serves, a switchover brings the service back",
        )
    for step in state.effects(Purpose.FENCE):
        begun = step.intent_at is not None or step.outcome is Outcome.SUCCEEDED
        if begun and not gives_back(step, entries):
            return Refused(
                run,
                f"step {step.name} has fenced {state.plan.direction.from_site or 'the old site'}, "
                "and its action cannot take that back",
                hint=f"drtool abort {state.run}, then drtool explain {state.run}: it says how to "
                "release it by hand",
            )
    return None


def gives_back(step: StepState, entries: Entries) -> bool:
    """Whether a step's action can take back what it did.

    A fence can where its action also says how it sees that nobody was promoted.
    """
    if step.plan.kind is not StepKind.ACTION:
        return False
    try:
        action: type[Entry] = entries.get(step.plan.action)
    except BadInput:
        return False
    if not issubclass(action, StateAction) or action.undo is StateAction.undo:
        return False
    if step.purpose is Purpose.FENCE:
        return action.reason_not_to_undo is not StateAction.reason_not_to_undo
    return not step.plan.one_way


def reason_not_to_escalate(state: RunState) -> DrtoolError | None:
    """The error that forbids to hand a run over to a failover."""
    run, plan = f"run {state.run}", state.plan
    if plan.procedure not in _HANDED_ON:
        found = f"is a {plan.procedure.value}; only a switchover or a failback is handed over"
        return BadInput(run, found, hint=f"drtool explain {state.run}")
    if not is_in_runbook(state, Procedure.FAILOVER):
        found = f"runbook {plan.runbook} has no failover"
        return BadInput(run, found, hint=f"drtool explain {state.run}")
    if state.mode not in {Mode.LIVE, Mode.DRILL}:
        return BadInput(run, f"is a {state.mode.value}", hint=failover_instead(state))
    if state.ended is not None and not state.ended.heir:
        found = f"has ended: {state.ended.outcome.value}; there is nothing to hand over"
        return BadInput(run, found, hint=failover_instead(state))
    ending = reason_not_to_direct(state)
    if ending is None and state.past_no_return:
        new = plan.direction.to_site or "the other site"
        return Refused(
            run,
            f"the promotion of {new} was begun: it goes on there, and needs no failover",
            hint=f"drtool attach {state.run}; if it cannot go on: drtool abort {state.run}, "
            f"then {failover_instead(state)}",
        )
    return ending


def _step(state: RunState, name: str) -> StepState | BadInput:
    try:
        return state.step(name)
    except KeyError:
        names = ", ".join(step.name for step in state.steps)
        hint = f"drtool status {state.run}"
        return BadInput(f"run {state.run}", f"has no step {name!r}", f"one of {names}", hint)


def question_of(state: RunState, name: str) -> Consent | None:
    """The question of a step that nobody has answered."""
    return next((one for one in state.waiting_for if one.asked.step == name), None)


def _awaited(waiting: Consent) -> str:
    of = f" of {waiting.asked.of}" if waiting.asked.of else ""
    return f"the {waiting.asked.what}{of}"


def _answer(state: RunState) -> str:
    """What answers the first question that waits; "" when none does."""
    waiting = state.waiting_for
    if not waiting:
        return ""
    asked = waiting[0].asked
    return answer_to(state.run, asked.step, asked.what, state.plan.service)


def _stands(step: StepState) -> str:
    if step.outcome is Outcome.PENDING:
        return "has not begun"
    return f"has ended: {step.outcome.value}" if step.outcome.ended else step.outcome.value
