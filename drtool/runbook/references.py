"""Judge what templates speak of: steps upstream, fields that they give, names that there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from drtool.action import Entry, seen_type
from drtool.catalog import Catalog
from drtool.errors import BadInput
from drtool.model.plan import Objectives
from drtool.model.purpose import Procedure
from drtool.model.runbook import Runbook, Step
from drtool.runbook.expansion import Spread
from drtool.runbook.mapping import did_you_mean
from drtool.runbook.marks import FaultList
from drtool.runbook.rendering import enclosing
from drtool.runbook.templates import Path, Template, is_template, read_template
from drtool.runbook.validation import field_type
from drtool.units import Duration

SITE_NAMES = ("name", "address", "region")
NAMES = {
    "service": ("name", "endpoint", "url", "preferred", "heartbeat"),
    "objectives": tuple(Objectives.model_fields),
    "from_site": SITE_NAMES,
    "to_site": SITE_NAMES,
    "at": ("name", "site", "address", "system", "host", "data_directory"),
}
_SAMPLES: dict[Any, JsonValue] = {int: 1, float: 1.5, bool: True, Duration: "1s"}
_WORDS = {int: "a number", float: "a number", bool: "true or false", Duration: "a duration"}


class ReferenceCheck:
    """Judges the templates of one runbook's steps, procedure by procedure."""

    def __init__(self, runbook: Runbook, catalog: Catalog, faults: FaultList) -> None:
        self._runbook, self._catalog, self._faults = runbook, catalog, faults
        self._seen: dict[str, Any] = {}

    def check(self, procedure: Procedure, steps: list[Spread]) -> None:
        """Note every reference that cannot be filled."""
        names = {
            spread.name: position
            for position, spread in enumerate(steps)
            if spread.lost is None or spread.lost.name
        }
        for spread in steps:
            for path, template in templates_of(spread):
                say = _Say(self._faults, spread.step, path)
                if template.trouble:
                    say(template.trouble, template.hint)
                    continue
                for reference in template.references:
                    if reference[0] == "steps":
                        lenient = reference in template.optional
                        kind = self._step(spread, reference, names, steps, say, lenient=lenient)
                        if template.expression == ".".join(reference):
                            self._fits(spread.step, reference, kind, say)
                    elif reference[0] not in spread.bindings:
                        self._name(procedure, spread, reference, say)

    def _name(self, procedure: Procedure, spread: Spread, reference: Path, say: _Say) -> None:
        root, rest = reference[0], reference[1:]
        known = NAMES.get(root) or (tuple(self._runbook.parameters) if root == "params" else None)
        text = ".".join(reference)
        if known is None:
            roots = [*NAMES, "params", "steps", *spread.bindings]
            near = {"from": "from_site", "to": "to_site"}.get(root)
            say(
                f"template speaks of the unknown {text}",
                f"did you mean {near}?" if near else did_you_mean(root, roots),
            )
        elif len(rest) != 1 or rest[0] not in known:
            hint = did_you_mean(rest[0], known) if rest else f"{root} has {', '.join(known)}"
            say(f"template speaks of {text}, which is not there", hint)
        elif root == "objectives" and getattr(self._runbook.objectives, rest[0]) is None:
            say(
                f"template speaks of {text}, which the runbook does not set",
                f"objectives: {{{rest[0]}: 5m}}",
            )
        elif root == "from_site" and procedure is Procedure.REHEARSAL:
            say(f"template speaks of {text}; a rehearsal leaves no site")

    def _step(
        self,
        spread: Spread,
        reference: Path,
        names: dict[str, int],
        steps: list[Spread],
        say: _Say,
        *,
        lenient: bool,
    ) -> Any:
        """The type of what a reference gives, None when that is not known."""
        if say.path == "at":
            say("at cannot depend on an earlier step", "the place is known when planned")
            return None
        found = _resolve(spread.name, reference[1:], names)
        if found is None and any(other.lost and not other.lost.name for other in steps):
            return None  # it may be in what could not be read
        if found is None:
            wanted = reference[1] if len(reference) > 1 else ""
            hint = did_you_mean(wanted, {name.rpartition(".")[2] for name in names})
            say(f"template speaks of the unknown step {wanted}", hint)
            return None
        name, rest = found
        position = names[name]
        if not spread.before >> position & 1:
            say(
                f"template speaks of step {name}, which does not come before it",
                "only what is upstream can be spoken of",
            )
            return None
        other = steps[position].step
        if other.at and other.at.split(".")[0] == "others":
            say(f"template speaks of step {name}, which runs at several sites")
            return None
        lenient = lenient or spread.step.unread("when")
        if other.when not in {None, spread.step.when} and not lenient:
            say(
                f"template speaks of step {name}, which may be skipped",
                "give it | default(...), or the same when",
            )
        return self._field(other, rest, say)

    def _field(self, step: Step, rest: Path, say: _Say) -> Any:
        model = self._model(step)
        if model is Any:
            return None
        fields = _field_names(model)
        if not fields:
            say(f"template speaks of step {step.name}, which gives no fields")
        elif not rest:
            say(f"template speaks of step {step.name} as a whole", f"it gives {', '.join(fields)}")
        elif rest[0] not in fields:
            say(
                f"step {step.name} gives no field {rest[0]}",
                did_you_mean(rest[0], fields) or f"it gives {', '.join(fields)}",
            )
        else:
            return self._deeper(model, rest, say)
        return None

    def _deeper(self, model: type[BaseModel], rest: Path, say: _Say) -> Any:
        kind = field_type(model, rest[:1])
        for position in range(1, len(rest)):
            if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
                if kind in _SAMPLES or kind is str:
                    say(f"{'.'.join(rest[:position])} has no field {rest[position]}")
                return None
            if rest[position] not in kind.model_fields:
                say(
                    f"{'.'.join(rest[:position])} has no field {rest[position]}",
                    did_you_mean(rest[position], kind.model_fields),
                )
                return None
            kind = field_type(kind, rest[position : position + 1])
        return kind

    def _model(self, step: Step) -> Any:
        """The class of a step's observation, Any when it cannot be known."""
        if step.uses not in self._seen:
            try:
                self._seen[step.uses] = seen_type(self._catalog.get(step.uses))
            except BadInput:
                human = step.uses in {"approval", "manual"}
                self._seen[step.uses] = None if human else Any
        return self._seen[step.uses]

    def _fits(self, step: Step, reference: Path, kind: Any, say: _Say) -> None:
        """Whether a whole expression's type can stand in the field, tried with a sample."""
        path, sample = say.path, _SAMPLES.get(kind) if isinstance(kind, type) else None
        if sample is None or "." in path or path in {"when", "never", "at"}:
            return
        entry = self._entry(step)
        found = entry.model_fields.get(path) if entry else None
        if found is None:
            return
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(found.annotation or Any)
            adapter.validate_python(sample)
        except ValidationError as error:
            if any(
                one["type"].endswith(("_type", "_parsing")) or one["type"] == "value_error"
                for one in error.errors()
            ):
                say(
                    f"{path} does not take {_WORDS[kind]}, which {'.'.join(reference)} is",
                    f'{path}: "{{{{ {".".join(reference)} }}}}s"'
                    if found.annotation is Duration or "Duration" in str(found.annotation)
                    else "",
                )

    def _entry(self, step: Step) -> type[Entry] | None:
        try:
            return self._catalog.get(step.uses)
        except BadInput:
            return None


class _Say:
    """Notes faults of one template."""

    def __init__(self, faults: FaultList, step: Step, path: str) -> None:
        self._faults, self._step, self.path = faults, step, path

    def __call__(self, what: str, hint: str = "") -> None:
        place = self._step.place_of(self.path)
        self._faults.add(place, f"step {self._step.name}: {what}", hint)


def templates_of(spread: Spread) -> Iterator[tuple[str, Template]]:
    """Every template of a step, with its dotted path."""
    step = spread.step
    extra = (("at", step.at), ("when", step.when), ("never", spread.never))
    for path, value in [*_texts(step.fields.items()), *extra]:
        if value is not None and is_template(value):
            yield path, read_template(value)


def _texts(parts: Iterable[tuple[object, JsonValue]], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in parts:
        inner = f"{path}.{key}" if path else str(key)
        if isinstance(value, str):
            yield inner, value
        elif isinstance(value, dict):
            yield from _texts(value.items(), inner)
        elif isinstance(value, list):
            yield from _texts(enumerate(value), inner)


def _resolve(step: str, rest: Path, names: dict[str, int]) -> tuple[str, Path] | None:
    """The step that a reference means from where it stands, and the fields behind it."""
    for scope in enclosing(step):
        for count in range(1, len(rest) + 1):
            name = scope + ".".join(rest[:count])
            if name in names:
                return name, rest[count:]
    return None


def _field_names(model: Any) -> tuple[str, ...]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return ()
    return (*model.model_fields, *model.model_computed_fields)
