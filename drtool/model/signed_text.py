"""The texts that people sign: one fact a line, the same bytes wherever they are made.

Nobody reads a text back: whoever checks a signature makes the text anew from what is known and
compares. Words that a person typed freely stand there by their SHA-256, so that masking a secret in
them later breaks no signature. Old journals are verified by these forms: a change needs a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from drtool.model.event import ConsentAsked, Request
from drtool.model.plan import Plan
from drtool.model.purpose import Mode
from drtool.model.signed import Evidence
from drtool.model.value import Value

Facts = tuple[tuple[str, str], ...]


class Answer(Value):
    """What a person says to a question of a run."""

    by: str
    decision: Literal["approved", "denied"]
    reason: str = ""
    break_glass: bool = False
    evidence: tuple[Evidence, ...] = ()


def answer_text(run: str, mode: Mode, plan: Plan, asked: ConsentAsked, answer: Answer) -> str:
    """What an approval, a confirmation or a denial signs."""
    way = f"{plan.direction.from_site or '-'} -> {plan.direction.to_site or '-'}"
    return _text(
        "drtool approval 1",
        ("run", run),
        ("service", plan.service),
        ("mode", mode.value),
        ("procedure", plan.procedure.value),
        ("direction", way),
        ("plan", plan.digest),
        ("version", asked.version),
        ("question", asked.what),
        ("step", asked.step),
        ("changes", asked.changes_digest or "none"),
        ("expires", _moment(asked.expires)),
        ("decision", answer.decision),
        ("by", answer.by),
        ("break-glass", "yes" if answer.break_glass else "no"),
        ("reason", words(answer.reason)),
        *(("evidence", f"{one.sha256} {one.size} {one.name}") for one in answer.evidence),
    )


def request_text(request: Request, by: str) -> str:
    """What a word to a run signs: to pause it, to leave a step out, and so on.

    The second form is that of a word which answers a question, and says which.
    """
    question: Facts = ()
    if request.expires is not None:
        changes = request.changes_digest or "none"
        question = (("changes", changes), ("expires", _moment(request.expires)))
    return _text(
        "drtool request 2" if question else "drtool request 1",
        ("run", request.run),
        ("verb", request.verb),
        ("step", request.step or "-"),
        *question,
        ("by", by),
        ("at", _moment(request.at)),
        ("outage", _moment(request.outage_start)),
        ("reason", words(request.reason)),
    )


def start_text(facts: Facts, by: str, at: datetime, reason: str, *, break_glass: bool) -> str:
    """What the request to start a run signs; ``facts`` are what was typed."""
    return _text(
        "drtool start 2",
        *facts,
        ("by", by),
        ("at", _moment(at)),
        ("break-glass", "yes" if break_glass else "no"),
        ("reason", words(reason)),
    )


def differing(expected: str, found: str) -> str:
    """The first fact in which two texts differ, with both values; "" when none does."""
    wanted, given = _facts(expected), _facts(found)
    for name, value in wanted.items():
        if given.get(name) != value:
            return f"{name} {given.get(name, 'is missing')}, not {value}"
    return "" if expected == found else "another form"


def _facts(text: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in text.splitlines())
    return {name: value for name, _, value in lines}


def _text(head: str, *facts: tuple[str, str]) -> str:
    return "".join(_lines(head, facts))


def _lines(head: str, facts: Iterable[tuple[str, str]]) -> Iterable[str]:
    yield f"{head}\n"
    for name, value in facts:
        # a line break in a value would let it pass for another fact
        yield f"{name}: {' '.join(value.splitlines())}\n"


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else "none"


def words(text: str) -> str:
    """What a person typed freely, by its SHA-256."""
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()}" if text else "none"
