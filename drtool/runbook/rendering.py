"""Fill the templates of a step with what is known when it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError
from pydantic import JsonValue

from drtool.errors import BadInput
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.plan import Objectives, Plan, PlanStep
from drtool.model.value import Fields, Value
from drtool.runbook.templates import (
    Path,
    Shown,
    compiled,
    environment,
    is_template,
    read_template,
    texts_in,
)
from drtool.units import Duration


@dataclass(frozen=True)
class RenderContext:
    """What templates may speak of: top-level names and what stands behind them.

    ``subject`` names the step in messages.
    """

    subject: str
    values: Mapping[str, object]

    @classmethod
    def at_run(cls, plan: Plan, step: PlanStep, seen: Mapping[str, Fields]) -> Self:
        """For a step that is about to run; ``seen`` are the fields that earlier steps gave."""
        known = known_when_planned(
            plan.inventory,
            plan.service,
            objectives=plan.objectives,
            parameters=plan.parameters,
            direction=plan.direction,
            place=step.place,
        )
        values = {**known, **step.bindings, "steps": shown_steps(seen, step.name)}
        return cls(f"step {step.name}", values)


def known_when_planned(
    inventory: Inventory,
    service: str,
    *,
    objectives: Objectives,
    parameters: Fields,
    direction: Direction,
    place: Place | None = None,
) -> dict[str, object]:
    """The names that stand before any step has run."""
    found = inventory.services[service]
    return {
        "service": shown({"name": service, **found.model_dump(mode="json")}),
        "objectives": shown(objectives.model_dump(mode="json")),
        "params": shown(parameters),
        "from_site": _site(inventory, direction.from_site),
        "to_site": _site(inventory, direction.to_site),
        "at": shown(_place(inventory, place)),
    }


def shown(fields: Mapping[str, object]) -> Shown:
    """Fields as attributes, nested ones too."""
    return Shown(lambda name: wrapped(fields.get(name)))


def wrapped(value: object) -> object:
    """A value as a template may hold it."""
    if isinstance(value, Mapping):
        return shown(value)
    return tuple(map(wrapped, value)) if isinstance(value, list | tuple) else value


def shown_steps(seen: Mapping[str, Fields], step: str) -> Shown:
    """The steps before, by their names as they stand from where the step stands.

    A step within ``a.b`` that speaks of ``x`` means ``a.b.x``, ``a.x`` or ``x``, whichever is
    there, the nearest first.
    """
    scopes = enclosing(step)

    def get(name: str) -> object:
        for scope in scopes:
            full = scope + name
            if full in seen:
                return shown(seen[full])
            if any(other.startswith(full + ".") for other in seen):
                return shown_steps(seen, full + ".")
        return None

    return Shown(get)


def enclosing(step: str) -> list[str]:
    """The prefixes in whose scope a step stands, innermost first; the last is empty."""
    parts = step.split(".")[:-1]
    return [".".join(parts[:count]) + "." if count else "" for count in range(len(parts), -1, -1)]


def render(fields: Fields, context: RenderContext) -> Fields:
    """The fields with every template filled; a whole expression keeps its type.

    Raises BadInput that names the step and the field when a template cannot be filled, or when
    it would make an argument that starts with a dash.
    """
    return {key: _rendered(value, key, context) for key, value in fields.items()}


def holds(expression: str, context: RenderContext) -> bool:
    """Whether a condition (``when``, ``never``) is true. Raises BadInput as ``render`` does."""
    value = _filled(expression, "condition", context)
    if isinstance(value, bool):
        return value
    raise BadInput(context.subject, f"its condition {expression} gives {value!r}", "true or false")


def _rendered(value: JsonValue, key: str, context: RenderContext) -> JsonValue:
    if isinstance(value, dict):
        return {name: _rendered(part, f"{key}.{name}", context) for name, part in value.items()}
    if isinstance(value, list):
        return [_argument(part, f"{key}.{index}", context) for index, part in enumerate(value)]
    if not isinstance(value, str) or not is_template(value):
        return value
    filled = _filled(value, key, context)
    if isinstance(filled, list):
        _hold_arguments(filled, value, key, context)
    return filled


def _hold_arguments(made: list[JsonValue], text: str, key: str, context: RenderContext) -> None:
    """Refuse an item of a list that a whole expression made, as one that was written as a list.

    What stands in the template itself may start with a dash, as often as it stands there.
    """
    dashed = [(path, item) for path, item in _items(made, key) if item.startswith("-")]
    written = texts_in(text) if dashed else []
    for path, item in dashed:
        if item not in written:
            raise _option(item, path, context)
        written.remove(item)


def _items(made: list[JsonValue], key: str) -> Iterator[tuple[str, str]]:
    for index, item in enumerate(made):
        path = f"{key}.{index}"
        if isinstance(item, list):
            yield from _items(item, path)
        elif isinstance(item, str):
            yield path, item


def _argument(value: JsonValue, key: str, context: RenderContext) -> JsonValue:
    result = _rendered(value, key, context)
    if (
        isinstance(value, str)
        and isinstance(result, str)
        and result.startswith("-")
        and not value.startswith("-")
    ):
        raise _option(result, key, context)
    return result


def _option(argument: str, key: str, context: RenderContext) -> BadInput:
    return BadInput(
        context.subject,
        f"{key} would become {argument!r}, an argument that starts with a dash",
        "a value that cannot be taken for an option",
    )


def _filled(text: str, key: str, context: RenderContext) -> JsonValue:
    template = read_template(text)
    if template.trouble:
        raise BadInput(context.subject, f"{key}: {template.trouble}", hint=template.hint)
    try:
        if template.parts:
            value = _joined(template.parts, context)
        elif template.expression is not None:
            value = compiled(template.expression)(**context.values)
        else:
            value = environment().from_string(text).render(**context.values)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise BadInput(context.subject, f"{key}: {text} cannot be filled: {error}") from error
    return _plain(value, text, key, context)


def _joined(parts: tuple[str | Path, ...], context: RenderContext) -> object:
    """Texts and names put together; a single name keeps its type."""
    found = [part if isinstance(part, str) else _looked_up(part, context) for part in parts]
    if len(found) == 1:
        return found[0]
    shown_whole = next((value for value in found if isinstance(value, Shown)), None)
    return shown_whole or "".join(map(str, found))


def _looked_up(path: Path, context: RenderContext) -> object:
    value = context.values.get(path[0])
    for name in path[1:]:
        value = value.get(name) if isinstance(value, Shown) else None
    if value is None:
        msg = f"{'.'.join(path)} is not there"
        raise UndefinedError(msg)
    return value


def _plain(value: object, text: str, key: str, context: RenderContext) -> JsonValue:
    if isinstance(value, StrictUndefined | Undefined):
        raise BadInput(context.subject, f"{key}: {text} speaks of something that is not there")
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(part, text, key, context) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise BadInput(context.subject, f"{key}: {text} gives no plain value", "a field of it")


def _site(inventory: Inventory, name: str | None) -> Shown:
    site = inventory.sites.get(name) if name else None
    if site is None:
        return shown({})
    return shown({"name": name, "address": site.address, "region": site.region})


def _place(inventory: Inventory, place: Place | None) -> dict[str, object]:
    if place is None:
        return {}
    site = inventory.sites[place.site]
    fields: dict[str, object] = {
        "name": str(place),
        "site": place.site,
        "address": site.address,
        "system": place.system,
        "host": place.host,
    }
    if place.system:
        system: Value = site.systems[place.system]
        fields |= {"data_directory": getattr(system, "data_directory", None)}
        fields["host"] = getattr(system, "host", None)
    return fields
