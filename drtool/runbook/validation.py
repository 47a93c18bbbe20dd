"""Say in our words, at the right place, what pydantic found wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from drtool.model.inventory import HostKey, Plain
from drtool.model.secret import SecretRef
from drtool.model.value import NAME
from drtool.runbook.mapping import did_you_mean, one_of

Loc = tuple[int | str, ...]
Say = Callable[[Loc, str, str, bool], None]
SECRET_KEY = re.compile(
    r"(?:^|_|-)(?:password|passwd|passphrase|secret|token|credentials?|key)$", re.IGNORECASE
)
OPEN_KEYS = frozenset({"host_key", "public_key", "idempotency_key", "routing_key_name"})
REFERENCE = '{secret: "env:NAME"}, {secret: "file:PATH"} or {secret: "command:PROGRAM"}'

_WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def say_errors(error: ValidationError, model: type[BaseModel], say: Say) -> None:
    """Tell each error by ``say(loc, what, hint, about_the_key)``."""
    for one in error.errors(include_url=False, include_context=True):
        loc = tuple(part for part in one["loc"] if part != "[key]")
        if one["type"].startswith("union_tag"):
            loc = (*loc, "kind")
        what, hint, about_key = _words(one, loc, model)
        say(loc, what, hint, about_key)


def is_secret_key(key: str) -> bool:
    """Whether what stands under a key must be a reference, never a value."""
    return key not in OPEN_KEYS and SECRET_KEY.search(key) is not None


def field_type(model: type[BaseModel], loc: Loc) -> Any:
    """The annotation at a place within a model; None when there is none."""
    kind: Any = model
    for part in loc:
        kind = _bare(kind)
        origin = get_origin(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found = kind.model_fields.get(str(part))
            kind = found.annotation if found else None
        elif origin is dict:
            kind = get_args(kind)[1]
        elif origin in {list, tuple, set, frozenset}:
            kind = get_args(kind)[0]
        elif _is_union(origin):
            kind = next((one for one in get_args(kind) if _tag(one) == part), None)
        else:
            return None
    return _bare(kind)


def _is_union(origin: Any) -> bool:
    return origin is Union or origin is UnionType


def _tag(kind: Any) -> str | None:
    """The word by which a model is told from others of a union: its ``kind``."""
    found = getattr(kind, "model_fields", {}).get("kind")
    return get_args(found.annotation)[0] if found else None


def _bare(kind: Any) -> Any:
    """An annotation without Annotated, Optional and the like."""
    while True:
        origin = get_origin(kind)
        if origin is Annotated:
            kind = get_args(kind)[0]
        elif _is_union(origin):
            parts = [part for part in get_args(kind) if part is not type(None)]
            if len(parts) != 1:
                return kind
            kind = parts[0]
        else:
            return kind


def _words(one: Any, loc: Loc, model: type[BaseModel]) -> tuple[str, str, bool]:
    key, kind, found = _key(loc), one["type"], one.get("input")
    if kind in {"missing", "union_tag_not_found"}:
        return f"{key} is missing", "", False
    if kind == "extra_forbidden":
        known = getattr(field_type(model, loc[:-1]), "model_fields", {})
        return f"unknown key {key}", did_you_mean(key, known), True
    within = len(loc) > 1 and key == "secret"
    if within or is_secret_key(key) or field_type(model, loc) is SecretRef:
        name = loc[-2] if within else key
        return f"{name} is not a reference to a secret", REFERENCE, False
    what, hint = _about_value(one, key, kind, found)
    return what, hint, False


def _key(loc: Loc) -> str:
    if not loc:
        return ""
    return str(loc[-1]) if isinstance(loc[-1], str) else f"an item of {_key(loc[:-1])}"


def _about_value(one: Any, key: str, kind: str, found: object) -> tuple[str, str]:
    if kind == "union_tag_invalid":
        words = re.findall(r"'([^']*)'", one["ctx"]["expected_tags"])
        return f"{key} is {one['ctx']['tag']!r}, expected {one_of(words)}", _literal(
            one["ctx"]["tag"], words
        )
    if kind in {"literal_error", "enum"}:
        words = re.findall(r"'([^']*)'", one["ctx"]["expected"]) or [one["ctx"]["expected"]]
        return f"{key} is {_shown(found)}, expected {one_of(words)}", _literal(found, words)
    if kind == "string_pattern_mismatch":
        return _pattern(key, str(found), one["ctx"]["pattern"])
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return f"{key} is {_shown(found)}, expected {word} {one['ctx'][bound]}", ""
    if kind in _WANTED:
        quoted = kind == "string_type" and isinstance(found, int | float)
        hint = f'quote it: "{_shown(found)}"' if quoted else ""
        return f"{key} is {_shown(found)}, expected {_WANTED[kind]}", hint
    text = str(one["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    what, _, hint = text.partition("; ")
    return (f"{key}: {what}" if key else what), hint


def _shown(found: object) -> str:
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, dict):
        return "a mapping"
    if isinstance(found, list | tuple):
        return "a list"
    return "empty" if found is None else repr(found)


def _literal(found: object, words: list[str]) -> str:
    weak = {"hmac-md5", "hmac-md5.sig-alg.reg.int", "hmac-sha1", "hmac-sha224"}
    if str(found) in weak:
        return f"{found} is too weak; make a new key, as with tsig-keygen -a hmac-sha256"
    return did_you_mean(str(found), words)


def _pattern(key: str, found: str, pattern: str) -> tuple[str, str]:
    if pattern == NAME:
        what = f"{key} {found!r} is not a name"
        return what, "small letters, digits and underscores, a letter first"
    if pattern == pattern_of(Plain):
        if found.startswith("-"):
            what = f"{key} {found!r} starts with a dash and could be taken for an option"
            return what, ""
        return f"{key} {found!r} has a space in it", ""
    if pattern == pattern_of(HostKey):
        what = f"{key} is not a host key"
        return what, "as ssh-keyscan prints it: ssh-ed25519 AAAA..."
    return f"{key} {found!r} does not look right, expected {pattern}", ""


def pattern_of(kind: Any) -> str:
    """The pattern of an annotated text."""
    return str(get_args(kind)[1].pattern)
