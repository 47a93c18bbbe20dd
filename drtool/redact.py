"""Keep secrets out of everything that is written, told or shown."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

MASK = "[secret]"
_SHORTEST = 4
_SHORTEST_FORM = 8
_SHORTEST_LINE = 16
_URL_SAFE = str.maketrans("+/", "-_")


class Redactor:
    """Replaces every secret value it has been told of; safe to use from several threads.

    A value is found as it is, and in the forms that errors and requests carry: base64 wherever it
    stands in a longer text, hex, URL encoding, JSON and Python literals, a line of several.
    """

    def __init__(self) -> None:
        self._values: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def learn(self, value: str) -> str:
        """Remember a secret value and return it; values under four characters are not masked."""
        with self._lock:
            if value not in self._values:
                known = {*self._values, *_forms(value)}
                self._values = tuple(sorted(known, key=len, reverse=True))
        return value

    def clean(self, text: str) -> str:
        """The text with every known secret replaced."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        return text

    def without_secrets(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The environment for a process that is not to be told any of the known secrets."""
        return {name: value for name, value in variables.items() if self.clean(value) == value}


def _forms(value: str) -> Iterator[str]:
    """A value and the shapes it takes in other texts; those too short to be told apart left out."""
    plain = (value, value.strip())
    yield from (one for one in plain if len(one) >= _SHORTEST)
    yield from (line for line in value.splitlines() if len(line) >= _SHORTEST_LINE)
    others = (form for one in plain if len(one) >= _SHORTEST for form in _encoded(one))
    yield from (form for form in others if len(form) >= _SHORTEST_FORM)


def _encoded(value: str) -> Iterator[str]:
    data = value.encode("utf-8", "surrogateescape")
    yield from (quote(data), quote(data, safe=""), quote_plus(data))
    yield from (data.hex(), data.hex().upper())
    yield from (repr(value)[1:-1], repr(data)[2:-1], json.dumps(value)[1:-1])
    for offset in range(3):
        inner = _in_base64(data, offset)
        yield from (inner, inner.translate(_URL_SAFE))


def _in_base64(data: bytes, offset: int) -> str:
    """What base64 makes of a value that begins ``offset`` bytes into a group of three.

    The characters that it shares with its neighbours are left out: they are not its own.
    """
    text = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
    shared_at_end = (offset + len(data)) % 3 != 0
    return text[(0, 2, 3)[offset] : len(text) - shared_at_end]
