"""Values given at the command line as KEY=VALUE."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from drtool.errors import BadInput
from drtool.model.runbook import Parameter, Runbook
from drtool.model.value import Fields
from drtool.runbook.mapping import did_you_mean, one_of
from drtool.units import Duration


def given_parameters(runbook: Runbook, given: Mapping[str, str]) -> Fields:
    """The runbook's parameters: those given, and the defaults of the others.

    Those that have neither are left out; ``need_parameters`` asks for them. Raises BadInput
    that names the parameter.
    """
    known = runbook.parameters
    for name in given:
        if name not in known:
            raise BadInput(
                f"parameter {name}",
                f"runbook {runbook.name} has no such parameter",
                one_of(sorted(known)) if known else "",
                did_you_mean(name, known),
            )
    values = {name: one.default for name, one in known.items() if one.default is not None}
    return values | {name: parse_parameter(name, known[name], text) for name, text in given.items()}


def need_parameters(runbook: Runbook, values: Fields) -> None:
    """Raise BadInput for a parameter that has neither a value nor a default."""
    for name in runbook.parameters:
        if name not in values:
            about = runbook.parameters[name].about
            raise BadInput(f"parameter {name}", "is not given", about, f"add --set {name}=VALUE")


def parse_parameter(name: str, parameter: Parameter, text: str) -> JsonValue:
    """The value that a text from the command line stands for."""
    subject = f"parameter {name}"
    value: JsonValue = text
    try:
        if parameter.type == "integer":
            value = int(text)
        elif parameter.type == "number":
            value = float(text)
        elif parameter.type == "boolean":
            value = {"true": True, "false": False}[text]
        elif parameter.type == "list":
            value = [part.strip() for part in text.split(",") if part.strip()]
    except (ValueError, KeyError):
        raise BadInput(subject, f"is {text!r}", _expected(parameter)) from None
    reason = reason_not_of_type(parameter, value)
    if reason:
        raise BadInput(subject, reason)
    return value


def reason_not_of_type(parameter: Parameter, value: JsonValue) -> str | None:
    """A sentence when a value does not fit its parameter."""
    right = {
        "text": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "list": isinstance(value, list),
        "duration": True,
    }[parameter.type]
    if not right:
        return f"is {value!r}, expected {_expected(parameter)}"
    if parameter.type == "duration":
        try:
            Duration.parse(value)
        except ValueError as error:
            return str(error)
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, str) and part.startswith("-"):
            return f"is {part!r}, which starts with a dash and could be taken for an option"
    if parameter.one_of and value not in parameter.one_of:
        return f"is {value!r}, expected {one_of(str(choice) for choice in parameter.one_of)}"
    return None


def _expected(parameter: Parameter) -> str:
    return {
        "text": "text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "duration": "a duration, as 30s",
        "list": "words with commas between them",
    }[parameter.type]
