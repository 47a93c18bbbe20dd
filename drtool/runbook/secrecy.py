"""Find secrets that were written down instead of referred to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import JsonValue

from drtool.runbook.given_secrets import given_in, gives_secret, without_templates
from drtool.runbook.templates import is_template
from drtool.runbook.validation import REFERENCE, is_secret_key

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_GIVES = "gives a secret in clear"
_IN_A_FILE = (
    "leave it in a file on the host, that the command reads itself, and name the file: "
    "PGPASSFILE, curl --netrc-file"
)
_PUBLIC = "make a new pair, and write the one line of its .pub file"
_URL = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[^/\s:@{}]+:[^/\s@{}]+@", re.IGNORECASE)
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
        given = given_in(value)
        for position, part in enumerate(value):
            inner = f"{path}.{position}"
            if position in given:
                yield inner, f"{_name(inner)} {_GIVES}", _IN_A_FILE
            else:
                yield from secrets_in(part, inner)
    elif isinstance(value, str) and value:
        yield from _told(path, key, _secret(key, value))


def _told(path: str, key: str, what: str | None) -> Iterator[tuple[str, str, str]]:
    if what is None:
        return
    if path.startswith("people."):
        yield path, f"a key {what}", _PUBLIC
    else:
        hint = _IN_A_FILE if what == _GIVES and key.isdigit() else REFERENCE
        yield path, f"{_name(path)} {what}", hint


def _name(path: str) -> str:
    """A key, or an item of a list with the list's key."""
    parts = path.split(".")
    return ".".join(parts[-2:] if parts[-1].isdigit() else parts[-1:])


def _secret(key: str, value: str) -> str | None:
    text = without_templates(value)
    if _PEM.search(text):
        return "holds a private key in clear"
    if _URL.search(text):
        return "is a URL with a password in clear"
    if gives_secret(text):
        return _GIVES
    if not is_template(value) and (is_secret_key(key) or key.lower() in _HEADER):
        return "is a secret in clear"
    return None


def _is_reference(value: JsonValue) -> bool:
    return isinstance(value, str) and value.partition(":")[0] in {"env", "file", "command"}
