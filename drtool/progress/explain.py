"""The screen for three in the morning: what happened, what is, and what a person may type now.

Every text is made for somebody who was asleep a minute ago: the state of the world first, then
why, then what is done and what is not, then three commands with what each of them leads to.
"""

from __future__ import annotations

from drtool.model.event import World
from drtool.model.purpose import Outcome, Procedure, Purpose
from drtool.model.value import Value
from drtool.progress.objectives import judge
from drtool.progress.options import Option, options
from drtool.progress.run_state import RunState, StepState
from drtool.units import seconds_text

__all__ = ["Explanation", "Option", "explain"]


class Explanation(Value):
    """A run's state in words. ``done`` and ``not_done`` are lines, ``options`` always three.

    ``accepted`` is what a person was willing to lose, and what became of it.
    """

    title: str
    world: str
    why: str
    accepted: str = ""
    done: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    options: tuple[Option, ...]


def explain(state: RunState, *, alive: bool | None = None) -> Explanation:
    """A run's state in words; ``alive`` says whether its engine runs, None if that is not known.

    A run without an end counts as interrupted when its engine is known to be gone.
    """
    world = state.world_if_stopped if alive is False else state.world
    return Explanation(
        title=_title(state, alive=alive),
        world=_world(state, world),
        why=_why(state, alive=alive),
        accepted=_accepted(state),
        done=tuple(_done(step) for step in state.steps if step.outcome is Outcome.SUCCEEDED),
        not_done=tuple(
            _not_done(step, over=state.ended is not None)
            for step in state.steps
            if step.outcome not in {Outcome.SUCCEEDED, Outcome.SKIPPED} and not step.plan.rescues
        ),
        options=options(state, world, alive=alive),
    )


def _title(state: RunState, *, alive: bool | None) -> str:
    plan = state.plan
    way = " -> ".join(site for site in (plan.direction.from_site, plan.direction.to_site) if site)
    stands = state.ended.outcome.value if state.ended else _standing(state, alive=alive)
    mode = "" if state.mode.changes_the_world else f", {state.mode.value}"
    return f"{plan.procedure.value} of {plan.service} {way}{mode}: {stands}  ({state.run})"


def _standing(state: RunState, *, alive: bool | None) -> str:
    if alive is False:
        return "interrupted"
    return "waiting for a person" if state.waiting_for else "running"


def _world(state: RunState, world: World) -> str:
    """The state of the world in a sentence or two that cannot be misread."""
    if not state.mode.changes_the_world:
        return f"{state.mode.value}: nothing was touched, nothing was asked of anybody."
    old = state.plan.direction.from_site or "the old site"
    new = state.plan.direction.to_site or "the new site"
    if world is World.RECOVERED:
        return _recovered(state, new)
    if world is World.IN_DOUBT:
        return f"IN DOUBT: {_doubt(state, old)}"
    return _WORLDS[world].format(old=old, new=new, service=state.plan.service)


_WORLDS = {
    World.UNTOUCHED: "Untouched: nothing was changed; {service} is as it was before this run.",
    World.PREPARED: (
        "Prepared: some things were changed, but no role was: {old} was not fenced and {new} was "
        "not promoted by this run."
    ),
    World.FENCED: (
        "NOTHING IS WRITABLE: {old} is fenced and nobody is promoted. {service} is down until "
        "one of the two is done: promote {new}, or release {old}."
    ),
    World.PROMOTED: (
        "Promoted, not redirected: the primary is at {new}, and clients still go to {old}. There "
        "is no way back but a new run in the other direction."
    ),
    World.REDIRECTED: (
        "Redirected, not verified: the primary is at {new} and clients are sent there, but nobody "
        "has seen the service answer from outside."
    ),
}


def _recovered(state: RunState, new: str) -> str:
    service, procedure = state.plan.service, state.plan.procedure
    if procedure is Procedure.FAILOVER:
        return (
            f"Recovered: {service} runs at {new}. It is UNPROTECTED: there is nowhere left to go "
            "until reprotect has run."
        )
    if procedure is Procedure.REPROTECT:
        return f"Protected: {service} has a standby again."
    return f"Recovered: {service} runs at {new}."


def _doubt(state: RunState, old: str) -> str:
    doubtful = [step for step in state.steps if step.outcome is Outcome.IN_DOUBT or step.mid_effect]
    if doubtful:
        names = ", ".join(step.name for step in doubtful)
        return (
            f"whether step {names} took effect is not known. Look at the target before anything "
            "else is done; a resumed run looks first and does nothing twice."
        )
    return f"{old} could not be proven fenced, so it may still be writing. Nobody was promoted."


def _why(state: RunState, *, alive: bool | None) -> str:
    if state.ended is not None:
        if state.ended.outcome is Outcome.SUCCEEDED:
            return state.ended.reason or "Every step ended well."
        return state.ended.reason or state.ended.outcome.value
    if alive is False:
        return "The engine's process is gone and the run has not ended."
    if state.abort is not None:
        return f"{state.abort.by} asked to abort; what was begun is being finished."
    if state.waiting_for:
        return "; ".join(
            f"step {consent.asked.step} waits for {consent.asked.of or 'a person'}: "
            f"{consent.asked.text}"
            for consent in state.waiting_for
        )
    running = [step.name for step in state.steps if step.outcome is Outcome.RUNNING]
    return f"Step {', '.join(running)} is under way." if running else "The run goes on."


def _accepted(state: RunState) -> str:
    if state.accepted_loss is None:
        return ""
    if not state.past_no_return:
        return f"{state.accepted_loss}."
    judged = state.ended.verdicts if state.ended else judge(state, None)
    return "; ".join(f"Data loss: {one.text}." for one in judged if one.objective == "rpo")


def _done(step: StepState) -> str:
    what = "was already so" if step.adopted else "; ".join(map(str, step.changes))
    proven = ", ".join(f"{proof.kind.value} proof" for proof in step.proofs)
    said = "; ".join(part for part in (what, proven) if part)
    took = seconds_text(step.seconds)
    return f"{step.name}: {said} ({took})" if said else f"{step.name} ({took})"


def _not_done(step: StepState, *, over: bool) -> str:
    why = f": {step.reason}" if step.reason else ""
    warn = " (it fences)" if step.purpose is Purpose.FENCE else ""
    never = over and step.outcome is Outcome.PENDING
    return f"{step.name}{warn}: {'not begun' if never else step.outcome.value}{why}"
