"""An event as the text that is stored, without a secret in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from drtool.model.event import Event, RunStarted
from drtool.redact import Redactor

Place = tuple[str | int, ...]

# Words of the language, names, paths and digests: with a letter changed a run's events belong to
# no run or step any more, and a stored plan cannot be resumed. The inventory holds references and
# what its author wrote in clear; what a person has signed would prove nothing any more.
_OF_BODY = (
    "kind step via outcome what of budget expires version instead_of decision changes_digest by "
    "verb heir escalates adopts mode world requester host process engine arbiter token holder "
    "about signed html json_file answered"
)
_OF_PLAN = (
    "runbook strategy service procedure direction objectives inventory critical_path expected "
    "procedures documents source inventory_source digest"
)
_OF_STEP = (
    "name kind action purpose place needs when never budget deadline every on_failure approval "
    "owner rescues source"
)
_KEPT: frozenset[Place] = frozenset(
    {
        ("run",),
        ("at",),
        *(("body", key) for key in _OF_BODY.split()),
        *(("body", "plan", key) for key in _OF_PLAN.split()),
        *(("body", "plan", "steps", "*", key) for key in _OF_STEP.split()),
        *(("body", "proofs", "*", key) for key in ("kind", "subject", "identity", "at", "max_age")),
        *(("body", "verdicts", "*", key) for key in ("objective", "limit")),
        ("body", "evidence", "*", "sha256"),
        *(("body", what, "by") for what in ("statement", "accepted_loss", "automatic")),
        *(("body", "automatic", key) for key in ("source", "sha256")),
    }
)
_REFERENCE = re.compile(r"(?:env|file):\S")


def stored(event: Event, redactor: Redactor) -> tuple[str, Event]:
    """The event's JSON with secrets masked, and the event as it will be read again.

    Words of the language, names, paths and digests are kept by their place even where a secret
    happens to be in one of them; free text, what was seen and what an action is given are masked.
    Raises ValidationError when a whole plan could not be read again, before a run begins that
    could not be resumed.
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
    plain = frozenset(_texts(whole["body"].get("plan", {}).get("inventory")))
    # a step may name a host of the inventory, which stands there in clear
    tree = _map(whole, lambda text: text if text in plain else redactor.clean(text), ())
    try:
        event = Event.model_validate(tree)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            tree = _restored(tree, whole, tuple(fault["loc"]))
        event = Event.model_validate(tree)
    return event.model_dump_json(), event


def _map(node: Any, change: Callable[[str], str], at: Place) -> Any:
    if _kept(node, at):
        return node
    if isinstance(node, str):
        return change(node)
    if isinstance(node, dict):
        return {key: _map(value, change, (*at, key)) for key, value in node.items()}
    if isinstance(node, list):
        return [_map(value, change, (*at, place)) for place, value in enumerate(node)]
    return node


def _kept(node: Any, at: Place) -> bool:
    """Whether a place holds no free text; a step's reference says where a secret lies, no more."""
    if at[:3] == ("body", "plan", "steps") and at[-1] == "secret":
        return isinstance(node, str) and _REFERENCE.match(node) is not None
    return tuple("*" if isinstance(part, int) else part for part in at) in _KEPT


def _texts(node: Any) -> Iterator[str]:
    """All texts below a node, the keys too."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from node
        yield from _texts(list(node.values()))
    elif isinstance(node, list):
        for part in node:
            yield from _texts(part)


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
