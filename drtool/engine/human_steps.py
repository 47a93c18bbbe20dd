"""Carry out what a person does: approve changes, or work by hand and confirm it."""

from __future__ import annotations

from drtool.engine.attempt import Attempt
from drtool.engine.cover import covered_steps
from drtool.engine.preview import preview
from drtool.engine.result import Result, left_out
from drtool.model.event import ConsentGiven
from drtool.model.purpose import Outcome


def run_approval(attempt: Attempt) -> Result:
    """Show what the steps downstream would change, and wait for somebody's consent."""
    step, context = attempt.step, attempt.context
    changes = preview(context, covered_steps(context.plan, step.name))
    of = step.approval.of if step.approval else "somebody"
    if context.ports.hands is None:
        return Result(Outcome.SKIPPED, f"would ask {of} for consent", changes=changes)
    text = f"{context.plan.procedure.value} of {context.plan.service}: consent of {of}"
    given = attempt.ask("approval", text, changes).answer
    if given is not None and given.decision == "approved":
        how = "BREAK-GLASS: approved" if given.break_glass else "approved"
        return Result(Outcome.SUCCEEDED, f"{how} by {given.by}", changes=())
    if given is not None and given.decision == "denied":
        return Result(Outcome.ABORTED, _said(f"denied by {given.by}", given.reason))
    return _nobody_answered(attempt, given)


def _nobody_answered(attempt: Attempt, given: ConsentGiven | None) -> Result:
    """What the runbook says for an approval that nobody answers."""
    step = attempt.step
    otherwise = step.approval.otherwise if step.approval else "abort"
    wanted = getattr(otherwise, "value", otherwise)
    reason = f"nobody answered within {step.deadline}"
    if given is not None and given.reason.startswith("only "):
        reason = given.reason
    if wanted == "continue":
        return Result(Outcome.SKIPPED, f"{reason}; the runbook says to go on")
    if wanted in {"stop", "unwind"}:
        return Result(Outcome.REFUSED, reason)
    return Result(Outcome.ABORTED, reason)


def run_manual(attempt: Attempt) -> Result:
    """Show the instructions and wait until somebody confirms that the work is done."""
    step, context = attempt.step, attempt.context
    text = step.instructions or f"do by hand: {step.name}"
    if context.ports.hands is None:
        return Result(Outcome.SKIPPED, f"would wait for a person: {text}")
    given = attempt.ask("manual", text).answer
    if given is not None and given.decision == "approved":
        shown = ", ".join(one.name for one in given.evidence)
        done = f"done by {given.by}" + (f", shown by {shown}" if shown else "")
        return Result(Outcome.SUCCEEDED, _said(done, given.reason))
    if given is not None and given.decision == "skipped":
        return left_out(given.by, given.reason)
    if given is not None and given.decision == "denied":
        return Result(
            Outcome.FAILED, _said(f"{given.by} says that it cannot be done", given.reason)
        )
    return Result(Outcome.FAILED, f"nobody confirmed it within {step.deadline}")


def _said(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what
