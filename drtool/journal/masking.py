"""An event as the text that is stored, without a secret in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from drtool.model.event import Event, RunStarted
from drtool.redact import Redactor

Place = tuple[str | int, ...]

# The inventory holds references and what its author wrote in clear; a password that is also a
# word there ("postgres") must not turn the stored plan into one that cannot be resumed. What a
# person has signed holds no free text, and with a letter changed it would prove nothing any more.
_KEPT: tuple[Place, ...] = (
    ("body", "kind"),
    ("body", "plan", "inventory"),
    ("body", "signed"),
)


def stored(event: Event, redactor: Redactor) -> tuple[str, Event]:
    """The event's JSON with secrets masked, and the event as it will be read again.

    Words of the language itself (an outcome, a kind, a name) are kept even where a secret
    happens to be one of them; free text is masked. Raises ValidationError when a whole plan could
    not be read again, before a run begins that could not be resumed.
    """
    try:
        text = event.model_dump_json()
    except PydanticSerializationError:
        # lone surrogates, as undecodable output of a target leaves them
        tree = to_jsonable_python(event, inf_nan_mode="constants")
        event = Event.model_validate(_map(tree, _encodable, ()))
        text = event.model_dump_json()
    # escapes hide a secret from a plain search, as in pa\"ss
    if "\\" in text or redactor.clean(text) != text:
        return _masked(text, redactor)
    if isinstance(event.body, RunStarted):
        return text, Event.model_validate_json(text)
    return text, event


def _masked(text: str, redactor: Redactor) -> tuple[str, Event]:
    whole = json.loads(text)
    tree = _map(whole, redactor.clean, ())
    try:
        event = Event.model_validate(tree)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            tree = _restored(tree, whole, tuple(fault["loc"]))
        event = Event.model_validate(tree)
    return event.model_dump_json(), event


def _map(node: Any, change: Callable[[str], str], at: Place) -> Any:
    if at in _KEPT:
        return node
    if isinstance(node, str):
        return change(node)
    if isinstance(node, dict):
        return {key: _map(value, change, (*at, key)) for key, value in node.items()}
    if isinstance(node, list):
        return [_map(value, change, (*at, place)) for place, value in enumerate(node)]
    return node


def _restored(tree: Any, whole: Any, at: Place) -> Any:
    """The tree with what stands at a place put back; tags of unions in the place are skipped."""
    if not at:
        return whole
    here, *rest = at
    if isinstance(tree, dict) and here in tree:
        return {**tree, here: _restored(tree[here], whole[here], tuple(rest))}
    if isinstance(tree, list) and isinstance(here, int) and here < len(tree):
        changed = list(tree)
        changed[here] = _restored(tree[here], cast("list[Any]", whole)[here], tuple(rest))
        return changed
    if isinstance(tree, dict | list) and rest:
        return _restored(tree, whole, tuple(rest))
    return whole


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
