"""Name the state in which the steps of a run have left the world."""

from __future__ import annotations

from collections.abc import Iterable

from drtool.model.event import World
from drtool.model.purpose import Outcome, Purpose, StepKind
from drtool.progress.run_state import StepState

_EFFECTS = {Purpose.FENCE, Purpose.PROMOTE, Purpose.REDIRECT}
_UNSURE = {Outcome.FAILED, Outcome.REFUSED, Outcome.ABORTED, Outcome.HANDED_OVER}


def world(steps: Iterable[StepState]) -> World:
    """The named state of the world, from how the steps stand.

    Invariant: ``RECOVERED`` only when every step ended well, no person had a verification left
    out, no probe that writes has failed, even one that may fail, and what was to serve was not
    skipped (``unserved``); ``UNTOUCHED`` only when no
    intent was written and nothing was found fenced, promoted or redirected. An effect of a fence,
    a promotion or a redirection that began and did not end well leaves the world in doubt, unless
    a later state says what is known.
    """
    known = [step for step in steps if step.plan.kind is not StepKind.NOTICE]
    if any(step.outcome is Outcome.IN_DOUBT for step in known):
        return World.IN_DOUBT
    touched = [step for step in known if _touched(step)]
    whole = all(_holds(step) for step in known) and unserved(known) is None
    if known and whole and any(_done(step) for step in known):
        return World.RECOVERED
    if not touched:
        return World.UNTOUCHED
    return _furthest(known)


def unserved(steps: Iterable[StepState]) -> StepState | None:
    """A step that was to make the service serve again and whose condition did not hold.

    That is after something was fenced or promoted. Another step for the same may have been chosen
    instead, and a probe that wrote shows that the service serves all the same. What a person left
    out is that person's word, and told as such.
    """
    effects = [
        one for one in steps if one.plan.kind is not StepKind.NOTICE and not one.plan.rescues
    ]
    begun = any(_done(one) and one.purpose in {Purpose.FENCE, Purpose.PROMOTE} for one in effects)
    if not begun or any(_wrote(one) for one in effects):
        return None
    for purpose in (Purpose.PROMOTE, Purpose.RESTORE, Purpose.REDIRECT):
        serving = [
            one for one in effects if one.purpose is purpose and one.plan.kind is not StepKind.CHECK
        ]
        if serving and all(_passed_over(one) for one in serving):
            return serving[0]
    return None


def _passed_over(step: StepState) -> bool:
    return step.outcome is Outcome.SKIPPED and not step.skipped_by


def _wrote(step: StepState) -> bool:
    return step.verifies_by_effect and step.outcome is Outcome.SUCCEEDED


def _furthest(steps: list[StepState]) -> World:
    """How far the run came, for a run that has touched the world and is not through.

    Where nobody is promoted, who is restored takes over; where nobody takes over, other sites
    go on writing when one is fenced.
    """
    promotions, restores, redirect, fence = (
        [step for step in steps if step.purpose is purpose and step.plan.kind is not StepKind.CHECK]
        for purpose in (Purpose.PROMOTE, Purpose.RESTORE, Purpose.REDIRECT, Purpose.FENCE)
    )
    promote = promotions or restores
    if promote and all(_done(step) for step in promote):
        if redirect and not all(_done(step) for step in redirect):
            return World.PROMOTED
        verify = [step for step in steps if step.purpose is Purpose.VERIFY]
        verified = all(_holds(step) for step in verify)
        return World.RECOVERED if verify and verified else World.REDIRECTED
    if any(_half(step) for step in (*promotions, *fence)):
        return World.IN_DOUBT
    if promote and fence and all(_done(step) for step in fence):
        return World.FENCED
    if not promote and redirect and all(_done(step) for step in redirect):
        return World.REDIRECTED
    return World.PREPARED


def _holds(step: StepState) -> bool:
    """Whether what the step was for is there, as far as the runbook wants it."""
    if step.verifies_by_effect and step.outcome is Outcome.FAILED:
        return False
    return step.ended_well and not step.skipped_by


def _touched(step: StepState) -> bool:
    if step.outcome is Outcome.UNWOUND:
        return False
    return step.intent_at is not None or (_done(step) and step.purpose in _EFFECTS)


def _done(step: StepState) -> bool:
    return step.outcome is Outcome.SUCCEEDED and step.plan.kind is not StepKind.CHECK


def _half(step: StepState) -> bool:
    """Whether an effect began and ended otherwise than well."""
    return step.intent_at is not None and step.outcome in _UNSURE
