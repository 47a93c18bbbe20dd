"""A question to a person: who must do what, and what to type."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.model.event import ConsentAsked
from drtool.notify.card import Command, Part, Small, Text
from drtool.progress.approvals import answer_to, so_far
from drtool.progress.run_state import RunState

CHANGES = 10
_NEEDED = {
    "consent": "Consent is needed",
    "approval": "An approval is needed",
    "manual": "Work by hand is needed",
    "decision": "A decision is needed",
}
_YES = {
    "consent": "To consent",
    "approval": "To approve exactly this",
    "manual": "When it is done",
    "decision": "To try again",
}
_NO = {
    "consent": "To refuse",
    "approval": "To refuse",
    "manual": "If it cannot be done",
    "decision": "To stop here",
}


def asked_of(asked: ConsentAsked) -> str:
    """Whom a question is put to, in words."""
    return f"the {asked.of.replace('_', ' ')}" if asked.of else "a person"


def question(asked: ConsentAsked, state: RunState) -> Iterator[Part]:
    """The question, what would be changed, the commands that answer it, and until when."""
    run, service = state.run, state.plan.service
    what = asked.text or f"Step {asked.step} waits."
    yield Text(what, lead=f"{_NEEDED[asked.what]} {_from(asked, state)}:")
    if asked.changes:
        yield Text("\n".join(_changes(asked)))
    standing = "".join(so_far(one, state) for one in state.waiting_for if one.asked == asked)
    if standing:
        yield Text(standing)
    approve = answer_to(run, asked.step, asked.what, service)
    yield Command(approve, f"{_YES[asked.what]}, type on {state.host}:")
    yield Command(f"drtool deny {run} {asked.step}", f"{_NO[asked.what]}:")
    if asked.expires is not None:
        yield Small(f"Without an answer it expires at {asked.expires:%H:%M:%S} UTC.")


def _from(asked: ConsentAsked, state: RunState) -> str:
    role = state.plan.inventory.roles.get(asked.of)
    if role is None:
        return f"from {asked_of(asked)}" if asked.of else "from somebody"
    people = ", ".join(role.people)
    deputies = f"; deputies: {', '.join(role.deputies)}" if role.deputies else ""
    return f"from {asked_of(asked)} ({people}{deputies})"


def _changes(asked: ConsentAsked) -> Iterator[str]:
    for change in asked.changes[:CHANGES]:
        yield f"• {change}"
    more = len(asked.changes) - CHANGES
    if more > 0:
        yield f"• and {more} more, which `drtool explain` shows"
