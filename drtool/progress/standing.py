"""Where a run has left the service, in sentences that cannot be misread."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.model.event import World
from drtool.model.proof import ProofKind
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose
from drtool.progress.objectives import answered
from drtool.progress.protection import unprotected
from drtool.progress.run_state import RunState, StepState

MOVES = (Purpose.REDIRECT, Purpose.DRAIN, Purpose.REFILL)
_HALF = {Outcome.FAILED, Outcome.REFUSED, Outcome.ABORTED, Outcome.HANDED_OVER}


def standing(state: RunState, world: World) -> str:
    """The sentences; ``world`` is what the run has come to, or would if its engine is gone."""
    if not state.mode.changes_the_world:
        looked = "the real systems are looked at"
        if state.mode is Mode.TABLETOP:
            looked = "everything in it is invented"
        return f"A {state.mode.value}: {looked}, and nothing is changed."
    if state.plan.procedure is Procedure.REHEARSAL:
        return _rehearsed(state, world)
    text = _TEXTS[world](state)
    if unprotected(state) and state.ended is not None:
        service = state.plan.service
        text += f" {service} is UNPROTECTED until reprotect has run: it has nowhere left to go."
    return text


def under_way(state: RunState, purpose: Purpose) -> bool:
    """Whether an effect for a purpose has begun and not ended."""
    return state.ended is None and any(step.mid_effect for step in state.effects(purpose))


def left(state: RunState) -> str:
    """The site that is left, as sentences name it."""
    return state.plan.direction.from_site or "the old site"


def taking(state: RunState) -> str:
    """The site that takes over; of many that stay, no name."""
    return state.plan.direction.to_site or "the other sites"


def _untouched(state: RunState) -> str:
    service = state.plan.service
    back = any(step.outcome is Outcome.UNWOUND for step in state.steps)
    what = "What had been done was taken back" if back else "Nothing was changed"
    text = f"{what}: {service} is as it was before this run."
    if state.plan.procedure is Procedure.REPROTECT:
        text += " If it was unprotected, it still is."
    return text


def _prepared(state: RunState) -> str:
    service, old, new = state.plan.service, left(state), taking(state)
    if state.plan.procedure is Procedure.REPROTECT:
        return _not_in_step(state)
    if under_way(state, Purpose.FENCE):
        return f"{old} is being fenced; until that is proven, nothing else is done."
    if any(step.intent_at for purpose in MOVES for step in state.effects(purpose)):
        return f"Clients of {service} may have been moved in part: the steps say how far it came."
    if not state.takeover and state.fence_began is not None:
        return f"{old} is fenced, and clients are not moved: those who go to {old} are refused."
    if state.effects(Purpose.PROMOTE):
        return (
            f"Some things were changed, but no role was: {old} was not fenced and {new} was not "
            "promoted by this run."
        )
    return f"Some things were changed on the way; clients of {service} were not moved by this run."


def _not_in_step(state: RunState) -> str:
    service, old, new = state.plan.service, left(state), taking(state)
    if under_way(state, Purpose.REPROTECT):
        how = f"{old} is being brought back; until it is seen in step with {new}"
    else:
        how = f"{old} was worked on, but it was not seen in step with {new}"
    return f"{how}: count {service} as UNPROTECTED."


def _fenced(state: RunState) -> str:
    service, old, new = state.plan.service, left(state), taking(state)
    word = _on_whose_word(state)
    fenced = f"{old} counts as fenced by the word of {word} alone" if word else f"{old} is fenced"
    if under_way(state, Purpose.PROMOTE):
        return f"{fenced} and {new} is being promoted."
    promotes = bool(state.effects(Purpose.PROMOTE))
    nobody = "nobody is promoted" if promotes else "nothing is restored"
    do = f"promote {new}" if promotes else f"restore {service} at {new}"
    return (
        f"{fenced} and {nobody}. {service} is down until one of the two is done: {do}, or release "
        f"{old}."
    )


def _on_whose_word(state: RunState) -> str:
    """Who stated the fence, where nothing has proven it; else ""."""
    proofs = [proof for step in state.effects(Purpose.FENCE) for proof in step.proofs]
    if not proofs or any(proof.kind is not ProofKind.STATEMENT for proof in proofs):
        return ""
    return state.statements[-1].statement.by if state.statements else "a person"


def _promoted(state: RunState) -> str:
    old, new = left(state), taking(state)
    begun = any(step.intent_at for step in state.effects(Purpose.REDIRECT))
    clients = f"may be sent to either site, {old} or {new}" if begun else f"still go to {old}"
    return (
        f"{_takes_over(state)}, and clients {clients}: for those who go to {old}, "
        f"{state.plan.service} is down until they are moved."
    )


def _takes_over(state: RunState) -> str:
    if state.effects(Purpose.PROMOTE):
        return f"The primary is at {taking(state)}"
    return f"{state.plan.service} is restored at {taking(state)}"


def _redirected(state: RunState) -> str:
    where = f"Clients are sent to {taking(state)}"
    if state.takeover:
        where = f"{_takes_over(state)} and clients are sent there"
    missing = [
        step.name
        for step in state.steps
        if step.purpose is Purpose.VERIFY
        and (step.skipped_by or step.outcome is Outcome.FAILED or not step.ended_well)
    ]
    named = f": {', '.join(missing)} has not passed" if missing else ""
    if answered(state) is None:
        return f"{where}, but nobody has seen the service answer from outside{named}."
    return f"{where}. An answer was seen from outside, but not all that should confirm it{named}."


def _recovered(state: RunState) -> str:
    service, old, new = state.plan.service, left(state), taking(state)
    match state.plan.procedure:
        case Procedure.REPROTECT:
            return f"{service} has a standby again, at {old}."
        case Procedure.DRAIN | Procedure.LOSE:
            return f"{old} takes no traffic any more; the other sites carry {service}."
        case Procedure.REFILL:
            return f"{old} takes traffic of {service} again."
        case _:
            return f"{service} runs at {new}."


def _doubt(state: RunState) -> str:
    return " ".join((*_doubts(state), *_known(state))) or "What this run did is not known."


def _doubts(state: RunState) -> Iterator[str]:
    """What is not known."""
    names = [step.name for step in state.steps if step.outcome is Outcome.IN_DOUBT]
    names += [step.name for step in state.steps if step.mid_effect]
    if names:
        runs = "new" if state.ended else "resumed"
        yield (
            f"Whether step {', '.join(names)} took effect is not known. A {runs} run looks first "
            "and does nothing twice; before you do anything by hand, look at the target."
        )
    for step in state.effects(Purpose.FENCE):
        if _half(step):
            yield f"{left(state)} could not be proven fenced, so it may still be writing."
    for step in state.effects(Purpose.PROMOTE):
        if _half(step):
            yield (
                f"Step {step.name} was begun and did not end well: whether {taking(state)} was "
                "promoted is not known."
            )


def _known(state: RunState) -> Iterator[str]:
    """What is known all the same."""
    fences, promotions = state.effects(Purpose.FENCE), state.effects(Purpose.PROMOTE)
    if fences and all(step.outcome is Outcome.SUCCEEDED for step in fences):
        yield f"{left(state)} is fenced."
    if promotions and all(step.outcome is Outcome.SUCCEEDED for step in promotions):
        yield f"{taking(state)} is promoted."
    elif promotions and not state.past_no_return:
        yield "Nobody was promoted by this run."


def _half(step: StepState) -> bool:
    return step.intent_at is not None and step.outcome in _HALF


def _rehearsed(state: RunState, world: World) -> str:
    if world is World.IN_DOUBT:
        return f"{_doubt(state)} That is an isolated copy: {state.plan.service} was not touched."
    came = {
        World.UNTOUCHED: "nothing was changed",
        World.PROMOTED: "it came as far as the promotion",
        World.REDIRECTED: "what it did was not verified",
        World.RECOVERED: "it came to its end",
    }.get(world, "it came part of the way")
    return (
        f"A rehearsal on an isolated copy at {taking(state)}: {came}. {state.plan.service} itself "
        "was not touched."
    )


_TEXTS = {
    World.UNTOUCHED: _untouched,
    World.PREPARED: _prepared,
    World.FENCED: _fenced,
    World.PROMOTED: _promoted,
    World.REDIRECTED: _redirected,
    World.RECOVERED: _recovered,
    World.IN_DOUBT: _doubt,
}
