"""What people asked of a run, in sentences, and what may be typed about it."""

from __future__ import annotations

from drtool.model.purpose import Outcome, Procedure, Purpose
from drtool.model.steering import (
    EscalationAsked,
    RunContinued,
    RunPaused,
    StepDirected,
    UnwindAsked,
)
from drtool.progress.commands import is_in_runbook
from drtool.progress.run_state import RunState

Steering = RunPaused | RunContinued | StepDirected | UnwindAsked | EscalationAsked
_HANDED_ON = {Procedure.SWITCHOVER, Procedure.FAILBACK}


def word(body: Steering) -> str:
    """One thing that was asked: by whom, and why."""
    why = f": {body.reason}" if body.reason else ""
    match body:
        case RunPaused():
            return f"paused by {body.by}{why}"
        case RunContinued():
            return f"continued by {body.by}{why}"
        case StepDirected(verb="skip"):
            return f"step {body.step} is left out by {body.by}{why}"
        case StepDirected():
            return f"step {body.step}: {body.by} asked to try again{why}"
        case UnwindAsked():
            return f"{body.by} asked to take it back{why}"
        case EscalationAsked():
            return f"{body.by} asked for a failover: run {body.heir} takes over{why}"


def all_words(state: RunState) -> tuple[str, ...]:
    """Everything that was asked of a run, each as a sentence's beginning."""
    pauses = [said for one in state.pauses for said in (one.asked, one.over) if said is not None]
    asked = [one.asked for one in state.directed]
    ends = [one for one in (state.unwinding, state.escalation) if one is not None]
    return tuple(map(word, (*pauses, *asked, *ends)))


def is_coming_back(state: RunState) -> bool:
    """Whether what was done is being taken back, by a person's word or the runbook's."""
    return state.unwinding is not None or any(one.about == "unwinding" for one in state.warnings)


def stands_steered(state: RunState) -> str:
    """How a run stands that people steer, in a few words; "" for one that they do not."""
    if state.escalation is not None:
        return "being handed over"
    if is_coming_back(state):
        return "being taken back"
    return "paused" if state.paused is not None else ""


def why_steered(state: RunState) -> str:
    """Why a run does not simply go on, in sentences; "" when it does."""
    if state.escalation is not None:
        return _sentence(word(state.escalation))
    if state.unwinding is not None:
        return (
            f"{_sentence(word(state.unwinding))} What was done is being taken back, newest first."
        )
    if is_coming_back(state):
        return "As the runbook says, what was done is being taken back, newest first."
    if state.paused is None:
        return ""
    pause = state.paused
    running = [step.name for step in state.steps if step.outcome is Outcome.RUNNING]
    ends = f"Step {', '.join(running)} goes to its end; nothing" if running else "Nothing"
    why = f": {pause.asked.reason.rstrip('.')}" if pause.asked.reason else ""
    return (
        f"{pause.asked.by} paused it at {pause.began.wall:%H:%M:%S}Z{why}. {ends} more begins "
        "until it is continued."
    )


def cut_off(state: RunState) -> str:
    """What an engine that is gone was asked for and has not ended; "" where that is nothing."""
    if state.abort is not None:
        return f"{state.abort.by} asked to abort; that is not done yet."
    if state.escalation is not None:
        return f"{_sentence(word(state.escalation))} That is not done yet."
    if is_coming_back(state):
        asked = _sentence(word(state.unwinding)) if state.unwinding is not None else ""
        left = [step.name for step in state.steps if step.outcome is Outcome.UNWOUND]
        back = "nothing was taken back yet"
        if left:
            back = f"{', '.join(left)} was taken back, the rest was not"
        return f"{asked} The unwinding was cut off: {back}.".strip()
    if state.paused is not None:
        return f"It was paused by {state.paused.asked.by}, and stays so when it is resumed."
    return ""


def resume_leads_to(state: RunState) -> str:
    """What a resumed run does of what was asked; "" when it simply goes on."""
    if state.escalation is not None:
        return f"hands it over to failover {state.escalation.heir}, which asks for its own consent"
    if is_coming_back(state):
        return "takes back what is left, newest first; what is back already is not touched"
    if state.paused is not None:
        return f"takes it up, still paused: drtool continue {state.run} then lets it go on"
    return ""


def may_be_escalated(state: RunState) -> bool:
    """Whether a planned run takes the service away just now and could be handed over."""
    fences = state.effects(Purpose.FENCE)
    return (
        state.plan.procedure in _HANDED_ON
        and state.mode.changes_the_world
        and not state.past_no_return
        and is_in_runbook(state, Procedure.FAILOVER)
        and any(step.outcome is not Outcome.PENDING for step in fences)
    )


def may_be_unwound(state: RunState) -> bool:
    """Whether a planned run has begun to take the service away, and has not promoted anybody."""
    fences = state.effects(Purpose.FENCE)
    return (
        state.plan.procedure in _HANDED_ON
        and not state.past_no_return
        and not is_coming_back(state)
        and state.escalation is None
        and state.abort is None
        and any(step.intent_at is not None for step in fences)
    )


def _sentence(text: str) -> str:
    """It begins with a person's name, which stays as it is."""
    return f"{text.rstrip('.')}."
