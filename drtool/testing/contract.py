"""The contract test that every action passes, ours and others'."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from drtool.action import Check, Command, Entry, Facts, Notice, StateAction, Target, seen_type
from drtool.catalog import reason_not_to_register
from drtool.connections.reach import Reader
from drtool.model.value import Fields


def check_action(entry: type[Entry], example: Fields, facts: Facts | None = None) -> None:
    """The contract that every action, check, command and notice keeps.

    ``example`` are fields as a runbook writes them. With ``facts`` the words for a human, the
    connections needed and a command's preview are asked for too. Raises AssertionError that
    names what is broken.
    """
    broken = list(_breaks(entry, example))
    if facts is not None and not broken:
        broken += list(_breaks_with(entry.model_validate(example), facts))
    if broken:
        msg = f"{entry.__name__} breaks the contract: " + "; ".join(broken)
        raise AssertionError(msg)


def _breaks(entry: type[Entry], example: Fields) -> Iterator[str]:
    reason = reason_not_to_register(entry)
    if reason:
        yield reason
    if not (inspect.getdoc(entry) or "").partition("\n")[0].endswith("."):
        yield "its docstring does not start with a sentence"
    if not entry.model_config.get("frozen") or entry.model_config.get("extra") != "forbid":
        yield "it is not frozen, or takes keys it does not know"
    yield from _breaks_kind(entry)
    if entry.default_deadline.seconds <= 0 or entry.every.seconds <= 0:
        yield "its deadline or its pause is nothing"
    if entry.target is Target.SYSTEM and not entry.system_kind:
        yield "it acts on a system of no kind"
    try:
        made = entry.model_validate(example)
        entry.model_validate_json(made.model_dump_json())
        entry.model_json_schema()
    except (ValidationError, ValueError) as error:
        yield f"its example does not come through: {error}"
    try:
        entry.model_validate({**example, "no_such_key": 1})
        yield "it takes keys it does not know"
    except ValidationError:
        pass


def _breaks_kind(entry: type[Entry]) -> Iterator[str]:
    wanted = {
        StateAction: ("observe", "changes", "apply", "by_hand"),
        Check: ("observe", "judge", "by_hand"),
        Command: ("preview", "run", "by_hand"),
        Notice: ("send", "by_hand"),
    }
    kinds = [kind for kind in wanted if issubclass(entry, kind)]
    if len(kinds) != 1:
        yield "it is not one of state action, check, command and notice"
        return
    kind = kinds[0]
    for method in wanted[kind]:
        if getattr(entry, method) in {getattr(kind, method, None), getattr(Entry, method, None)}:
            yield f"it does not say how to {method}"
    if issubclass(entry, StateAction) and not entry.one_way and entry.undo is StateAction.undo:
        yield "it can be taken back, and does not say how to undo"
    if kind is not Notice and seen_type(entry) is None:
        yield "what it sees is not declared as a Value"


def _breaks_with(made: Entry, facts: Facts) -> Iterator[str]:
    words = made.by_hand(facts)
    if not words or not all(line.strip() for line in words):
        yield "it does not say what a human would do"
    needed: list[tuple[Any, Any]] = list(made.needs(facts))
    for kind, target in needed:
        if not (isinstance(kind, type) and issubclass(kind, Reader) and isinstance(target, str)):
            yield f"it needs {kind!r} {target!r}, which is no connection"
    if isinstance(made, Command):
        preview = made.preview(facts)
        if preview != made.preview(facts):
            yield "its preview is not pure"
