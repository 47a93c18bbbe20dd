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


def foreseen(step: PlanStep) -> Change:
    """The change shown for a step whose target cannot be looked at yet."""
    subject = str(step.place) if step.place else step.action
    return Change(subject=subject, before=NOT_SEEN, after=f"as {step.action} leaves it")


def not_shown(changes: Iterable[Change], shown: Iterable[Change]) -> tuple[Change, ...]:
    """The changes whose subject or result differs from all that was shown.

    A change that could only be foreseen covers what is done to its own subject and its parts.
    """
    shown = tuple(shown)
    known = {(change.subject, change.after) for change in shown}
    vague = tuple(change.subject for change in shown if change.before == NOT_SEEN)
    return tuple(
        change
        for change in changes
        if (change.subject, change.after) not in known
        and not any(_part_of(change.subject, subject) for subject in vague)
    )


def _part_of(subject: str, whole: str) -> bool:
    """Whether a subject is another one or begins with it as a word of its own."""
    if not subject.startswith(whole):
        return False
    following = subject[len(whole) : len(whole) + 1]
    return not (following.isalnum() or following == "_")


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
