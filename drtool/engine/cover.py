"""What a consent covers: the subjects and results of the changes that were shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from drtool.model.change import Change
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import StepKind

NOT_SEEN = "not seen yet"


def changes_digest(changes: Iterable[Change]) -> str:
    """The SHA-256 of what shall be there after the changes, whatever was there before."""
    pairs = sorted({(change.subject, change.after) for change in changes})
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def foreseen(step: PlanStep, *, fields_known: bool) -> Change:
    """The change shown for a step whose target cannot be looked at yet.

    Where the step's fields are known, what it will do is bound by the plan, so that a consent
    covers whatever is left to do then; where they are not, its changes are asked about again.
    """
    where = f" at {step.place}" if step.place else ""
    unknown = "" if fields_known else ", its fields not known yet"
    return Change(
        subject=_of_step(step.name) + unknown,
        before=NOT_SEEN,
        after=f"as {step.action}{where} leaves it",
    )


def not_shown(changes: Iterable[Change], shown: Iterable[Change], step: str) -> tuple[Change, ...]:
    """The changes of a step whose subject or result differs from all that was shown.

    A subject that was shown covers its parts (a server, the slot in it); what could only be
    foreseen covers its own step.
    """
    shown = tuple(shown)
    if any(one.before == NOT_SEEN and one.subject == _of_step(step) for one in shown):
        return ()
    known = {(one.subject, one.after) for one in shown}
    return tuple(
        change
        for change in changes
        if (change.subject, change.after) not in known
        and not any(_part_of(change.subject, subject) for subject, _ in known)
    )


def _of_step(name: str) -> str:
    return f"step {name}"


def _part_of(subject: str, whole: str) -> bool:
    """Whether a subject lies within another one: it begins with it and goes on in a new word."""
    following = subject[len(whole) : len(whole) + 1]
    return subject.startswith(whole) and bool(following) and following in " ./:"


def downstream(plan: Plan, name: str) -> frozenset[str]:
    """The steps that come after one, near or far."""
    reached = {name}
    for step in plan.steps:
        if reached.intersection((*step.needs, *step.rescues)):
            reached.add(step.name)
    return frozenset(reached - {name})


def approvals_over(plan: Plan) -> dict[str, tuple[str, ...]]:
    """For each step, the approvals upstream of it; ``start`` where the plan asks at its start."""
    first: tuple[str, ...] = ("start",) if plan.consent_at_start else ()
    over = {step.name: first for step in plan.steps}
    for approval in plan.steps:
        if approval.kind is StepKind.APPROVAL:
            for name in downstream(plan, approval.name):
                over[name] = (*over[name], approval.name)
    return over


def covered_steps(plan: Plan, name: str) -> tuple[PlanStep, ...]:
    """The one-way steps that a consent at ``name`` covers, in the plan's order."""
    below = None if name == "start" else downstream(plan, name)
    return tuple(
        step for step in plan.steps if step.one_way and (below is None or step.name in below)
    )
