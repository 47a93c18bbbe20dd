"""Judge one step by the class that it names: kind, keys, values, limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import JsonValue, ValidationError

from drtool.action import Entry, Target
from drtool.catalog import ENGINE_KEYS, Catalog, kind_of
from drtool.errors import BadInput
from drtool.model.purpose import StepKind
from drtool.model.runbook import Step
from drtool.model.value import Fields
from drtool.runbook.mapping import did_you_mean, flag_hint
from drtool.runbook.marks import FaultList, parse_mark
from drtool.runbook.rendering import RenderContext, render
from drtool.runbook.secrecy import secrets_in
from drtool.runbook.templates import is_template, read_template
from drtool.runbook.validation import Loc, say_errors

_DOERS = {StepKind.ACTION, StepKind.COMMAND}


class EntryCheck:
    """Judges steps; ``values`` are the names whose values are known before any direction is."""

    def __init__(self, catalog: Catalog, values: Mapping[str, object], faults: FaultList) -> None:
        self._catalog, self._faults = catalog, faults
        self._context = RenderContext("", values)
        self._known = frozenset(values)

    def check(self, step: Step) -> None:
        """Note every fault of a step that can be seen in itself."""
        if step.deadline and step.budget and step.deadline < step.budget:
            what = f"deadline {step.deadline} is shorter than budget {step.budget}"
            self._fault(step, "deadline", what)
        for path, what, hint in secrets_in(step.fields):
            self._fault(step, path, what, hint)
        if step.kind in {StepKind.APPROVAL, StepKind.MANUAL}:
            return
        try:
            entry = self._catalog.get(step.uses)
        except BadInput as error:
            unknown = error.subject.startswith("unknown")
            what = error.subject if unknown else error.line()
            self._fault(step, _key_of(step), what, error.hint)
            return
        if self._right_kind(step, entry):
            self._limits(step, entry)
            self._values(step, entry)

    def _fault(self, step: Step, key: str, what: str, hint: str = "") -> None:
        self._faults.add(step.place_of(key), f"step {step.name}: {what}", hint)

    def _right_kind(self, step: Step, entry: type[Entry]) -> bool:
        kind = kind_of(entry)
        if kind is step.kind or {kind, step.kind} == _DOERS:
            return True
        word = "action" if kind in _DOERS else kind.value
        article = "an" if word == "action" else "a"
        what = f"{step.uses} is {article} {word}, not {_article(_key_of(step))}"
        self._fault(step, f"@{_key_of(step)}", what, f"write {word}: {step.uses}")
        return False

    def _limits(self, step: Step, entry: type[Entry]) -> None:
        if step.repeatable and kind_of(entry) is not StepKind.COMMAND:
            what = f"repeatable is for commands; {step.uses} looks before it acts"
            self._fault(step, "@repeatable", what, "remove it")
        if step.purpose is not None and not entry.may_set_purpose:
            what = f"{step.uses} has the purpose {entry.purpose.value} and no other"
            self._fault(step, "@purpose", what, "only commands and manual steps may set it")
        nowhere = step.at is None and not step.unread("at")
        if nowhere and entry.target in {Target.SYSTEM, Target.HOST}:
            self._fault(
                step, "", f"at is missing: {step.uses} acts on a {entry.target.value}", "at: to"
            )

    def _values(self, step: Step, entry: type[Entry]) -> None:
        fields = {key: self._filled(value) for key, value in step.fields.items()}
        try:
            entry.model_validate(fields)
        except ValidationError as error:
            say_errors(error, entry, self._teller(step, entry, fields))
            return
        self._flags(step, entry, fields)

    def _flags(self, step: Step, entry: type[Entry], fields: Fields) -> None:
        """Refuse the words of YAML 1.1 for a flag, which pydantic would take."""
        for key, value in fields.items():
            found = entry.model_fields.get(key)
            taken = found is not None and found.annotation is bool
            if taken and not isinstance(value, bool) and not is_template(value):
                hint = flag_hint(value)
                self._fault(step, key, f"{key} is {value!r}, expected true or false", hint)

    def _filled(self, value: JsonValue) -> JsonValue:
        """The value with those templates filled whose names are all known by now."""
        if isinstance(value, dict):
            return {key: self._filled(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._filled(part) for part in value]
        if not isinstance(value, str) or not is_template(value):
            return value
        roots = {path[0] for path in read_template(value).references}
        if not roots <= self._known:
            return value
        try:
            return render({"value": value}, self._context)["value"]
        except BadInput:
            return value  # what is wrong with it is told by the check of its references

    def _teller(
        self, step: Step, entry: type[Entry], fields: Fields
    ) -> Callable[[Loc, str, str, bool], None]:
        templated = any(is_template(part) for _, part in _leaves(fields, ()))
        secret = {path for path, _, _ in secrets_in(step.fields)}

        def say(loc: Loc, what: str, hint: str, about_key: bool) -> None:
            path = ".".join(map(str, loc))
            found = _at(fields, loc)
            broken = step.sources.get(path)
            if is_template(found) or path in secret or (templated and not loc):
                return
            if broken and parse_mark(broken) in self._faults.spoiled:
                return
            if about_key and len(loc) == 1:
                hint = did_you_mean(str(loc[0]), {*entry.model_fields, *ENGINE_KEYS})
            hint = as_text_hint(_at(step.fields, loc)) if hint.startswith("quote it") else hint
            self._fault(step, f"@{path}" if about_key else path, what, hint)

        return say


def as_text_hint(written: JsonValue) -> str:
    """How to write a value as text, a template too."""
    expression = read_template(written).expression if isinstance(written, str) else None
    return f'"{{{{ {expression} | string }}}}"' if expression else f'quote it: "{written}"'


def _leaves(value: JsonValue, path: Loc) -> list[tuple[Loc, JsonValue]]:
    parts: list[tuple[int | str, JsonValue]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    if not parts:
        return [(path, value)]
    return [leaf for key, part in parts for leaf in _leaves(part, (*path, key))]


def _at(value: JsonValue, loc: Loc) -> JsonValue:
    for part in loc:
        try:
            value = value[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _key_of(step: Step) -> str:
    return "action" if step.kind in _DOERS else step.kind.value


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
