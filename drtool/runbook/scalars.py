"""Plain YAML scalars by the core schema of YAML 1.2, and the traps that YAML 1.1 left behind.

Source: https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_TRAPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"[-+]?0[0-9]+"),
        "{0} is 8-based to some readers of YAML and 10-based to others",
    ),
    (
        re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+"),
        "{0} is a number to some readers of YAML and text to others",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "{0} is a 60-based number to some readers of YAML and text to others",
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?"),
        "{0} is a date to some readers of YAML and text to others",
    ),
    (
        re.compile(r"[-+]?[0-9]+(?:_[0-9]+)+"),
        "{0} is a number to some readers of YAML and text to others",
    ),
    (
        re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"),
        "{0} is not a finite number",
    ),
)
_DIGITS = 18


class Resolved(NamedTuple):
    """A scalar's value, and a sentence when it must not be written like this."""

    value: str | int | float | bool | None
    trouble: str = ""
    hint: str = ""


def resolve(text: str) -> Resolved:
    """What a plain scalar means."""
    if text in _NULL:
        return Resolved(None)
    if text in _TRUE or text in _FALSE:
        return Resolved(text in _TRUE)
    if text[0] not in "0123456789+-.":
        return Resolved(text)
    for pattern, trouble in _TRAPS:
        if pattern.fullmatch(text):
            return Resolved(text, trouble.format(text), _advice(text))
    if _INT.fullmatch(text) and len(text) > _DIGITS:
        return Resolved(text, f"{text} has more than {_DIGITS} digits", f'"{text}" is text')
    return Resolved(_number(text))


def _number(text: str) -> str | int | float:
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _OCTAL.fullmatch(text):
        return int(text, 0)
    return int(text, 0) if _HEX.fullmatch(text) else text


def _advice(text: str) -> str:
    quoted = f'"{text}" is text'
    if re.fullmatch(r"0[0-9]+", text):
        return f"{int(text)} is the number, {quoted}"
    if re.fullmatch(r"[0-9]+[eE][0-9]", text):
        return f"{int(float(text))} is the number, {quoted}"
    if re.fullmatch(r"[0-9_]+", text):
        return f"{text.replace('_', '')} is the number, {quoted}"
    return quoted
