"""Quantities that carry their unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_LONGEST = 366 * 86400.0


@dataclass(frozen=True, order=True, slots=True)
class Duration:
    """A length of time in seconds, never negative, written like ``5m``, ``1m30s`` or ``250ms``."""

    seconds: float

    @classmethod
    def parse(cls, text: object) -> Duration:
        """Read a duration with its unit.

        Raises ValueError with a sentence when the unit is missing or the value is not finite,
        negative or longer than a year.
        """
        if isinstance(text, Duration):
            return text
        written = str(text).strip()
        if isinstance(text, bool) or not _WHOLE.fullmatch(written):
            what = "a negative duration" if written.startswith("-") else "not a duration"
            msg = f"{written!r} is {what}; write a number with its unit, as in 30s, 5m or 2h"
            raise ValueError(msg)
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(written))
        if seconds > _LONGEST:
            msg = f"{written!r} is longer than a year"
            raise ValueError(msg)
        return cls(seconds)

    def __str__(self) -> str:
        """The duration in the shortest exact form that people write."""
        if self.seconds == 0:
            return "0s"
        if self.seconds < 1:
            return f"{round(self.seconds * 1000):d}ms"
        if self.seconds < 60:
            return f"{round(self.seconds, 3):g}s"
        rest, parts = round(self.seconds, 3), []
        for unit in ("d", "h", "m"):
            size = _SECONDS[unit]
            if rest >= size:
                parts.append(f"{int(rest // size)}{unit}")
                rest = round(rest % size, 3)
        if rest:
            parts.append(f"{rest:g}s")
        return "".join(parts)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Validate from text, serialise to text."""
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe a duration to editors."""
        said = "write a number with its unit, as in 30s, 5m or 2h"
        return {
            "type": "string",
            "pattern": f"^{_WHOLE.pattern}$",
            "errorMessage": said,
            "patternErrorMessage": said,
        }


def seconds_text(seconds: float) -> str:
    """A measured length of time as people read it: 0.27 s, 12.4 s, 3 min 20 s."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def brief_text(seconds: float) -> str:
    """As ``seconds_text``, with milliseconds where they count: 3.1 ms, 0.27 s."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else seconds_text(seconds)


def bytes_text(number: float) -> str:
    """A number of bytes as people read it: 512 B, 37 MB, 1.3 GB."""
    for unit in ("B", "kB", "MB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB" if number < 1000 else f"{number / 1000:.1f} TB"
