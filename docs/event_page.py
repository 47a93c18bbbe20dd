"""The page of the journal's entries, and of the records that stand in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from tables import table, text, value, without_empty

from drtool.model import event
from drtool.model.plan import Plan
from drtool.verbs.type_words import type_in_words

ABOUT = """\
Everything that drtool shows of a run (screens, report, exit code) is worked out from these entries,
and from nothing else. An entry holds `run` (the run's id), `seq` (its number within the run), `at`
(an [instant](#instant)) and a body of one of the kinds below. Times are UTC, as RFC 3339 text;
`seconds` are seconds. How entries are kept from being changed stands in
[the journal](../explanation/journal-and-lease.md#the-journal).
"""
RECORDS = """\
What stands in entries as a mapping of its own. A `plan` is what `drtool plan --json` prints.
"""

BODIES = get_args(get_args(event.Body)[0])


def events() -> str:
    """All entries of the journal, an overview first."""
    bodies = {_kind(body): body for body in BODIES}
    records = list(dict.fromkeys(_records((event.Event, *bodies.values()))))
    rows = ((f"[`{kind}`](#{_anchor(kind)})", _first(body)) for kind, body in bodies.items())
    parts = ["# Events of the journal\n", ABOUT]
    parts.append(table(("kind", "what it says"), rows))
    for kind, body in bodies.items():
        parts += [f"## `{kind}`\n", text(body) + "\n", _fields(body)]
    parts += ["## Records\n", RECORDS]
    for record in sorted(records, key=_name):
        name = _name(record)
        parts += [f"### {name} {{ #{_anchor(name)} }}\n", text(record) + "\n", _fields(record)]
    return "\n".join(parts)


def _kind(body: type[BaseModel]) -> str:
    return str(get_args(body.model_fields["kind"].annotation)[0])


def _first(body: type[BaseModel]) -> str:
    return text(body).partition("\n\n")[0].replace("\n", " ")


def _name(record: type[BaseModel]) -> str:
    return type_in_words(record)


def _anchor(name: str) -> str:
    return name.replace(".", "").replace(" ", "-")


def _records(models: tuple[type[BaseModel], ...]) -> Iterator[type[BaseModel]]:
    """The models that fields hold, and those within them; a plan is told elsewhere."""
    for model in models:
        for field in model.model_fields.values():
            for one in _models(field.annotation):
                if one is not Plan and one not in BODIES:
                    yield one
                    yield from _records((one,))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if get_args(annotation):
        for inside in get_args(annotation):
            yield from _models(inside)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation


def _fields(model: type[BaseModel]) -> str:
    rows = (
        (
            f"`{name}`",
            _type(field.annotation),
            "**required**" if field.is_required() else value(field.get_default()),
        )
        for name, field in model.model_fields.items()
        if name != "kind" or model not in BODIES
    )
    return without_empty(("field", "type", "default"), rows, "default")


def _type(annotation: Any) -> str:
    """The type in words, with a link where it is a record."""
    words = type_in_words(annotation)
    for one in _models(annotation):
        name = _name(one)
        there = "language.md#the-plan" if one is Plan else f"#{_anchor(name)}"
        return words.replace(name, f"[{name}]({there})")
    return f"`{words}`"
