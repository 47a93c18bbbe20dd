"""Which steps a later step cannot do without, because its templates speak of what they saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from drtool.model.plan import PlanStep
from drtool.runbook.rendering import enclosing
from drtool.runbook.templates import Path, is_template, read_template


def mentions(step: PlanStep, steps: Sequence[PlanStep]) -> frozenset[str]:
    """The names of the steps whose fields a step needs; a name behind ``default`` is none."""
    names = {one.name for one in steps}
    found = (_named(step.name, path[1:], names) for path in _needed(step) if path[0] == "steps")
    return frozenset(name for name in found if name is not None)


def _needed(step: PlanStep) -> Iterator[Path]:
    for text in (*_texts(step.fields), *_expressions(step.when, step.never)):
        template = read_template(text)
        yield from (path for path in template.references if path not in template.optional)


def _expressions(*said: str | None) -> Iterator[str]:
    for text in said:
        if text is not None:
            yield text if is_template(text) else f"{{{{ {text} }}}}"


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str) and is_template(value):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _named(step: str, rest: Path, names: set[str]) -> str | None:
    """The step that a name means from where it stands."""
    for scope in enclosing(step):
        for count in range(1, len(rest) + 1):
            name = scope + ".".join(rest[:count])
            if name in names:
                return name
    return None
