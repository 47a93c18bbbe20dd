"""Look once more at what was fenced, right before a promotion rests on it."""

from __future__ import annotations

from contextlib import suppress

from pydantic import ValidationError

from drtool.action import StateAction
from drtool.crashpoint import crashpoint
from drtool.engine.context import RunContext
from drtool.errors import DrtoolError
from drtool.model.event import StepEnded, Via, Warned
from drtool.model.proof import Proof
from drtool.model.purpose import Outcome
from drtool.progress.run_state import StepState

_SHARE = 0.5


def renew_proofs(context: RunContext) -> None:
    """Prove fences again whose proof grows old, or was given before the run was interrupted.

    A fence that cannot be seen keeps its old proof, for the promotion's own guard to judge; one
    that no longer holds is said so, and its proof is taken back.
    """
    for name in context.recorder.proven:
        step = context.recorder.step(name)
        if context.resumed or any(_old(proof, context) for proof in step.proofs):
            with suppress(DrtoolError, ValidationError):
                _renew(context, step)


def _old(proof: Proof, context: RunContext) -> bool:
    age = (context.clock.wall() - proof.at).total_seconds()
    return not 0 <= age <= proof.max_age.seconds * _SHARE


def _renew(context: RunContext, step: StepState) -> None:
    fields = context.templates.fields(step.plan, context.recorder.steps)
    entry = context.ports.entries.get(step.plan.action)(**fields)
    if not isinstance(entry, StateAction):
        return
    facts = context.facts(step.plan, step.attempts)
    seen = entry.observe(context.look(facts))
    left = entry.changes(seen)
    if left and entry.unseen(seen, step.proofs):
        return
    proofs = tuple(entry.proofs(seen, facts)) if not left else ()
    ended = StepEnded(
        step=step.name,
        attempt=step.attempts,
        outcome=step.outcome,
        via=step.via or Via.DIRECT,
        seen=seen.model_dump(mode="json"),
        changes=step.changes,
        proofs=proofs,
        reason="proven again before the promotion" if proofs else "it no longer holds",
        seconds=step.seconds,
        adopted=step.adopted,
    )
    if step.outcome is not Outcome.SUCCEEDED:
        return
    text = f"the fence of step {step.name} no longer holds: {'; '.join(map(str, left))}"
    context.recorder.write(ended, *([Warned(about="fence_lost", text=text)] if left else []))
    crashpoint("step.proven-again")
