"""The screen for three in the morning: what happened, what is, and what a person may type now.

Every text is made for somebody who was asleep a minute ago: the state of the world first, then
why, then what is done and what is not, then three commands with what each of them leads to.
"""

from __future__ import annotations

import re

from drtool.model.event import NO_PROGRESS, World
from drtool.model.proof import Proof, ProofKind
from drtool.model.pulse import Life, Living
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose
from drtool.model.value import Value
from drtool.progress.approvals import so_far
from drtool.progress.left_out import left_out
from drtool.progress.life import what_to_do
from drtool.progress.objectives import judge
from drtool.progress.option import Option
from drtool.progress.options import options
from drtool.progress.refusals import is_refused_so_far, with_changes
from drtool.progress.run_state import Consent, RunState, StepState
from drtool.progress.standing import standing, under_way
from drtool.progress.words import cut_off, stands_steered, why_steered
from drtool.units import seconds_text

__all__ = ["Explanation", "Option", "explain"]

# hints that the options say again
_TOLD_BELOW = ("drtool attach", "drtool explain", "drtool report")


class Explanation(Value):
    """A run's state in words.

    ``done``, ``in_doubt`` and ``not_done`` are lines, ``options`` always three.

    ``later`` names a run of the service that has begun since. ``accepted`` is what a person was
    willing to lose, and what became of it. ``broken`` is each time that somebody put the rules of
    who may aside.
    """

    title: str
    later: str = ""
    world: str
    why: str
    accepted: str = ""
    broken: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    in_doubt: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    options: tuple[Option, ...]


def explain(state: RunState, *, alive: bool | None = None, life: Life | None = None) -> Explanation:
    """A run's state in words; ``alive`` says whether its engine runs, None if that is not known.

    A run without an end counts as interrupted when its engine is known to be gone. ``life`` says
    more than ``alive``: since when an engine is gone, or that it does not move.
    """
    if life is not None:
        alive = life.word is not Living.GONE
    world = state.world_if_stopped if alive is False else state.world
    doubtful = [step for step in state.steps if _is_doubtful(step, alive=alive)]
    return Explanation(
        title=_title(state, alive=alive, life=life),
        world=_heading(state, world) + standing(state, world),
        why=_took_over(state) + _why(state, alive=alive, life=life),
        accepted=_accepted(state),
        broken=tuple(f"BREAK-GLASS: {one}" for one in state.glass_broken),
        done=tuple(_done(step) for step in state.steps if step.outcome is Outcome.SUCCEEDED),
        in_doubt=tuple(_not_done(step, state, alive=alive) for step in doubtful),
        not_done=tuple(
            _not_done(step, state, alive=alive)
            for step in state.steps
            if _is_open(step, state) and step not in doubtful
        ),
        options=options(state, world, alive=alive, hung=_hung(state, life)),
    )


def _hung(state: RunState, life: Life | None) -> bool:
    return state.ended is None and life is not None and life.word is Living.HUNG


def _title(state: RunState, *, alive: bool | None, life: Life | None) -> str:
    plan = state.plan
    way = " -> ".join(site for site in (plan.direction.from_site, plan.direction.to_site) if site)
    stands = state.ended.outcome.value if state.ended else _stands(state, alive=alive, life=life)
    mode = "" if state.mode is Mode.LIVE else f", {state.mode.value}"
    return f"{plan.procedure.value} of {plan.service} {way}{mode}: {stands}  ({state.run})"


def _stands(state: RunState, *, alive: bool | None, life: Life | None) -> str:
    if alive is False:
        return "interrupted"
    if _hung(state, life):
        return "its engine does not move"
    if state.abort is None and stands_steered(state):
        return stands_steered(state)
    return "waiting for a person" if state.waiting_for else "running"


def _heading(state: RunState, world: World) -> str:
    """What must be seen first."""
    copied = state.plan.procedure is Procedure.REHEARSAL and world is not World.IN_DOUBT
    if not state.mode.changes_the_world or copied:
        return ""
    begun = any(under_way(state, purpose) for purpose in (Purpose.FENCE, Purpose.REPROTECT))
    if world is World.PREPARED and begun:
        return "Under way. "
    if world is World.RECOVERED and state.plan.procedure is Procedure.REPROTECT:
        return "Protected. "
    return {
        World.UNTOUCHED: "Untouched. ",
        World.PREPARED: "Prepared. ",
        World.FENCED: "NOTHING IS WRITABLE. ",
        World.PROMOTED: "Promoted, not redirected. ",
        World.REDIRECTED: "Redirected, not verified. ",
        World.RECOVERED: "Recovered. ",
        World.IN_DOUBT: "IN DOUBT. ",
    }[world]


def _took_over(state: RunState) -> str:
    """Which planned run handed over to this one."""
    return f"It took over run {state.escalates}. " if state.escalates else ""


def _why(state: RunState, *, alive: bool | None, life: Life | None) -> str:
    if state.ended is not None:
        return _why_ended(state)
    since = f" since {life.since:%H:%M:%S}Z" if life is not None and life.since else ""
    if alive is False:
        gone = (
            f"The engine's process is gone{since} and the run has not ended; its last word is of "
            f"{state.last.wall:%H:%M:%S}Z."
        )
        return " ".join(filter(None, (gone, cut_off(state))))
    if life is not None and _hung(state, life):
        do = what_to_do(life, state.run)
        return f"The engine does not move{since}. {do[0].upper()}{do[1:]}."
    return _why_going(state)


def _why_going(state: RunState) -> str:
    if state.abort is not None:
        return f"{state.abort.by} asked to abort; what was begun is being finished."
    steered = why_steered(state)
    if state.waiting_for:
        return " ".join(
            (*filter(None, (steered,)), *(_asked(one, state) for one in state.waiting_for))
        )
    if steered:
        return steered
    running = [step.name for step in state.steps if step.outcome is Outcome.RUNNING]
    if not running:
        return "The run goes on."
    told = [one.text for one in state.warnings if one.about == NO_PROGRESS]
    held_up = [
        f"{name} was held up: {text.removeprefix(f'step {name}: ')}"
        for name in running
        for text in told
        if text.startswith(f"step {name}: ")
    ]
    return "\n".join((f"Step {', '.join(running)} is under way.", *held_up))


def _why_ended(state: RunState) -> str:
    if state.ended is None or state.ended.reason:
        reason = state.ended.reason.rstrip(".") if state.ended else ""
        reason = re.sub("^step ", "Step ", reason)
        hint = state.ended.hint if state.ended else ""
        typed = not hint or hint.startswith(_TOLD_BELOW)
        return f"{reason}." if typed else f"{reason}.\nHint: {hint}"
    if state.ended.outcome is not Outcome.SUCCEEDED:
        return f"The run is {state.ended.outcome.value}; it does not say why."
    if not state.mode.changes_the_world:
        return _nothing_found(state)
    if left_out(state):
        return f"Every other step ended well; {left_out(state)}."
    forgiven = [step.name for step in state.steps if step.outcome is Outcome.FAILED]
    if not forgiven:
        return "Every step ended well."
    return f"Every step that counts ended well; {', '.join(forgiven)} did not."


def _nothing_found(state: RunState) -> str:
    found = "Nothing was found that would stop it"
    refused = [step.name for step in state.steps if is_refused_so_far(step.reason)]
    if not refused:
        return f"{found}."
    ahead = "provided that the steps ahead cure what would be refused as things stand"
    return f"{found}, {ahead}: {', '.join(refused)}."


def _asked(consent: Consent, state: RunState) -> str:
    """What is asked, until when, and what a yes would change."""
    asked = consent.asked
    until = f" until {asked.expires:%H:%M:%S}Z" if asked.expires else ""
    changes = "".join(f"\n  {change}" for change in asked.changes)
    shown = f"\nIt would change:{changes}" if changes else ""
    what = "The start" if asked.step == "start" else f"Step {asked.step}"
    standing, text = so_far(consent, state), asked.text.rstrip(".")
    so = f"\nSo far: {standing}." if standing else ""
    return f"{what} waits{until} for {asked.of or 'a person'}: {text}.{shown}{so}"


def _accepted(state: RunState) -> str:
    if state.accepted_loss is None:
        return ""
    if not state.past_no_return:
        return f"{state.accepted_loss}."
    judged = state.ended.verdicts if state.ended else judge(state, None)
    return "; ".join(f"Data loss: {one.text}." for one in judged if one.objective == "rpo")


def _done(step: StepState) -> str:
    what = "; ".join(map(str, step.changes))
    if step.adopted:
        begun = step.intent_at is not None
        what = "begun before the interruption, found done after it" if begun else "was already so"
    proven = ", ".join(map(_shown, step.proofs))
    said = "; ".join(part for part in (what, proven) if part)
    took = seconds_text(step.seconds)
    return f"{step.name}: {said} ({took})" if said else f"{step.name} ({took})"


def _shown(proof: Proof) -> str:
    word = proof.kind is ProofKind.STATEMENT
    return "by a person's word, which is no proof" if word else f"{proof.kind.value} proof"


def _is_doubtful(step: StepState, *, alive: bool | None) -> bool:
    """Whether nobody knows if the step took effect."""
    return step.outcome is Outcome.IN_DOUBT or (alive is False and step.mid_effect)


def _is_open(step: StepState, state: RunState) -> bool:
    """Whether a step stands among what is not done; in a dry-run that is all that would be."""
    if step.plan.rescues and step.outcome in {Outcome.PENDING, Outcome.SKIPPED}:
        return False
    if step.outcome is Outcome.SKIPPED:
        return bool(step.skipped_by) or not state.mode.changes_the_world
    return step.outcome is not Outcome.SUCCEEDED


def _not_done(step: StepState, state: RunState, *, alive: bool | None) -> str:
    outcome = step.outcome.value
    if step.outcome is Outcome.PENDING and (state.ended is not None or alive is False):
        outcome = "not begun"
    elif not step.outcome.ended and alive is False:
        outcome = "begun, its effect is not known" if step.mid_effect else "begun"
    elif step.outcome is Outcome.SKIPPED:
        outcome = with_changes(step.reason or outcome, step.changes)
    skipped = step.outcome is Outcome.SKIPPED
    why = f": {step.reason}" if step.reason and not skipped else ""
    why += f" (hint: {step.hint})" if step.hint and skipped else ""
    warn = " (it fences)" if step.purpose is Purpose.FENCE else ""
    return f"{step.name}{warn}: {outcome}{why}"
