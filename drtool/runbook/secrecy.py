"""Find secrets that were written down instead of referred to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import JsonValue

from drtool.runbook.templates import is_template
from drtool.runbook.validation import REFERENCE, is_secret_key

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_PUBLIC = "make a new pair, and write the one line of its .pub file"
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@{}]+:[^/\s@{}]+@", re.IGNORECASE)
_OPTION = re.compile(r"--?(?:\w+-)*(?:password|passwd|token|secret)=\S+", re.IGNORECASE)
_HEADER = frozenset({"authorization", "proxy-authorization", "x-api-key", "cookie"})


def secrets_in(value: JsonValue, path: str = "") -> Iterator[tuple[str, str, str]]:
    """The path of each secret in clear, what it is, and what to write instead."""
    key = path.rpartition(".")[2]
    if isinstance(value, dict):
        for name, part in value.items():
            inner = f"{path}.{name}" if path else name
            if set(value) != {"secret"}:
                yield from secrets_in(part, inner)
            elif isinstance(part, str) and not _is_reference(part):
                yield inner, f"{key} is a secret in clear", REFERENCE
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from secrets_in(part, f"{path}.{position}")
    elif isinstance(value, str) and value and not is_template(value):
        what = _secret(key, value)
        if what:
            if path.startswith("people."):
                yield path, f"a key {what}", _PUBLIC
            else:
                yield path, f"{key if not key.isdigit() else path} {what}", REFERENCE


def _secret(key: str, value: str) -> str | None:
    if _PEM.search(value):
        return "holds a private key in clear"
    if _URL.search(value):
        return "is a URL with a password in clear"
    if _OPTION.search(value):
        return "gives a secret in clear"
    if is_secret_key(key) or key.lower() in _HEADER:
        return "is a secret in clear"
    return None


def _is_reference(value: JsonValue) -> bool:
    return isinstance(value, str) and value.partition(":")[0] in {"env", "file", "command"}
