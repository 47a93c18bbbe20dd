"""Put a question to people and wait; a question that an earlier engine asked goes on."""

from __future__ import annotations

from drtool.crashpoint import crashpoint
from drtool.engine.context import Phase, RunContext, Wake
from drtool.engine.desk import Waiter
from drtool.errors import Aborted, Refused
from drtool.model.approving import ApprovalVoided
from drtool.model.event import Body, ConsentAsked, ConsentGiven
from drtool.progress.run_state import Consent


class Stopped(Exception):
    """Raised in a step's thread when the run stops and the step has changed nothing."""


class LeftOut(Exception):
    """Raised in a step's thread when a person has it left out instead of approving its changes."""

    def __init__(self, given: ConsentGiven) -> None:
        super().__init__(given.reason)
        self.given = given


def wait_for(context: RunContext, asked: ConsentAsked) -> Waiter:
    """Ask, and wait for the answer; raises Stopped when the run stops meanwhile."""
    _go_on(context)
    waiter = _waiter(context, asked)
    asked = waiter.asked
    left = (asked.expires - context.clock.wall()).total_seconds() if asked.expires else None
    waiter.ends = None if left is None else context.clock.monotonic() + left
    context.desk.put(waiter)
    context.inbox.put(Wake())
    if context.phase is not Phase.GOING:
        context.desk.dismiss()
        raise Stopped
    if not waiter.done.wait(left if left is None else max(0.0, left)):
        given = context.desk.expire(waiter)
        if given is None:
            waiter.done.wait()
        else:
            context.recorder.write(given)
    if waiter.answer is None:
        raise Stopped
    return waiter


def must_be_approved(waiter: Waiter) -> None:
    """Raises what any answer but a yes means: Aborted, LeftOut, and Refused for the rest."""
    given, step = waiter.answer, f"step {waiter.asked.step}"
    if given is not None and given.decision == "approved":
        return
    if given is not None and given.decision == "denied":
        raise Aborted(step, f"{given.by} denied its changes")
    if given is not None and given.decision == "skipped":
        raise LeftOut(given)
    raise Refused(
        step,
        "its changes differ from those approved, and nobody approved them in time",
        "the changes that were shown",
    )


def _waiter(context: RunContext, asked: ConsentAsked) -> Waiter:
    """The question as it waits already, with the approvals that still count; or a new one."""
    pending = [
        consent
        for consent in context.recorder.consents
        if consent.asked.step == asked.step and consent.given is None
    ]
    if pending and _same(pending[-1].asked, asked):
        waiter = Waiter(pending[-1].asked)
        context.recorder.write(*context.desk.restore(waiter, pending[-1].approvals))
        return waiter
    over = [body for consent in pending for body in _given_up(consent)]
    context.recorder.write(*over, asked)
    crashpoint("consent.asked-written")
    return Waiter(asked)


def _same(before: ConsentAsked, now: ConsentAsked) -> bool:
    """Whether an answer to the one is an answer to the other."""
    known = before.version in {"", now.version}
    return known and before.changes_digest == now.changes_digest


def _given_up(consent: Consent) -> list[Body]:
    """What is written of a question that is put anew, because something else would be done."""
    step, why = consent.asked.step, "what it would change is different now; it is asked again"
    void = [ApprovalVoided(step=step, by=one.by, reason=why) for one in consent.approvals]
    over = ConsentGiven(
        step=step, decision="expired", reason=why, changes_digest=consent.asked.changes_digest
    )
    return [*void, over]


def _go_on(context: RunContext) -> None:
    if context.phase is not Phase.GOING:
        raise Stopped
