"""Approvals that lost their ground between the answer and the first effect are asked for anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drtool.engine.context import RunContext
from drtool.engine.cover import covered_steps
from drtool.model.approving import ApprovalVoided
from drtool.model.plan import PlanStep
from drtool.progress.run_state import Consent
from drtool.units import Duration


@dataclass(frozen=True, slots=True)
class Renewal:
    """A question to put again: the consent that is void, and the step that it was asked at."""

    consent: Consent
    root: str
    budget: Duration | None

    @property
    def text(self) -> str:
        """Why it is put again."""
        return f"The approval of {self.root} is void: {self.consent.void}"


def renew(
    context: RunContext,
    step: PlanStep,
    ask: Callable[[Renewal], None],
    waited: Callable[[float], None],
) -> None:
    """Ask anew for each void approval over a step, unless an effect that it covers has begun.

    From the first effect on a revoked key stops nothing: to wait for a person between a fence and
    a promotion would be an outage. Steps side by side ask once; those that do not ask are told
    again and again how many seconds more they have ``waited`` for their turn.
    """
    if not context.plan.inventory.proves_identity:
        return
    with _turn(context, waited):
        for name in context.approvals_over(step):
            if _begun(context, name):
                continue
            _void(context, name)
            standing = [one for one in context.consents_of(name) if _is_answer(one)]
            if standing and all(one.void for one in standing):
                ask(Renewal(standing[-1], name, _budget(context, name)))


@contextmanager
def _turn(context: RunContext, waited: Callable[[float], None]) -> Iterator[None]:
    """One step at a time; who waits is told how long, as long as that goes on."""
    before = context.clock.monotonic()
    while not context.renewing.acquire(timeout=context.limits.tick):
        before, since = context.clock.monotonic(), before
        waited(before - since)
    try:
        yield
    finally:
        context.renewing.release()


def _void(context: RunContext, name: str) -> None:
    """Write which of the approvals given count no more."""
    for consent in context.consents_of(name):
        if consent.given is None or consent.given.decision != "approved" or consent.void:
            continue
        judged = (
            (one, context.quorum.reason_void(consent.asked, one)) for one in consent.approvals
        )
        context.recorder.write(
            *(
                ApprovalVoided(step=consent.asked.step, by=one.by, reason=reason)
                for one, reason in judged
                if reason
            )
        )


def _is_answer(consent: Consent) -> bool:
    """Whether somebody spoke of the changes; who leaves the step out that asks speaks of it."""
    return consent.given is not None and consent.given.decision != "skipped"


def _begun(context: RunContext, name: str) -> bool:
    steps = context.recorder.steps
    return any(steps[one.name].intent_at for one in covered_steps(context.plan, name))


def _budget(context: RunContext, name: str) -> Duration | None:
    if name == "start":
        return Duration(context.limits.consent)
    asked = context.plan.step(name)
    return asked.budget or asked.deadline
