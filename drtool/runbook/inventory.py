"""Read an inventory's document into its model, and judge what it says."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ValidationError

from drtool.model.inventory import Inventory
from drtool.runbook.document import read_document
from drtool.runbook.inventory_rules import check_inventory
from drtool.runbook.mapping import flag_hint
from drtool.runbook.marks import FaultList, Node, Pairs, Scalar, bare, mark_at
from drtool.runbook.secrecy import secrets_in
from drtool.runbook.validation import Loc, say_errors

_THINGS = {
    "services": "service",
    "sites": "site",
    "hosts": "host",
    "roles": "role",
    "people": "person",
    "systems": "system",
    "servers": "server",
}


def read_inventory(path: Path, faults: FaultList) -> Inventory | None:
    """The inventory, or None when it cannot be made; faults go to the list."""
    root = read_document(path, faults, "inventory")
    if root is None:
        return None
    check_inventory(root, path.parent, faults)
    secret = set()
    for where, what, hint in secrets_in(bare(root)):
        loc = _loc(where)
        secret.add(loc)
        faults.add(mark_at(root, loc), _subject(loc) + what, hint)
    try:
        inventory = Inventory.model_validate(bare(root))
    except ValidationError as error:

        def say(loc: Loc, what: str, hint: str, about_key: bool) -> None:
            place = _without_tags(loc, root)
            if any(place[: len(one)] == one for one in secret):
                return
            mark = mark_at(root, place, key=about_key)
            if mark not in faults.spoiled:
                faults.add(mark, _subject(place) + what, hint)

        say_errors(error, Inventory, say)
        return None
    _flags(root, inventory, (), faults)
    return inventory


def _loc(path: str) -> Loc:
    return tuple(int(part) if part.isdigit() else part for part in path.split("."))


def _without_tags(loc: Loc, root: Node) -> Loc:
    """The place without what pydantic puts in for the kind it chose of several."""
    kept: list[int | str] = []
    node: Node | None = root
    for position, part in enumerate(loc):
        inner = node.nodes.get(str(part)) if isinstance(node, Pairs) else None
        if inner is None and position < len(loc) - 1 and isinstance(node, Pairs):
            continue
        kept.append(part)
        node = inner
    return tuple(kept)


def _subject(loc: Loc) -> str:
    """What a place belongs to: ``host east_db: ``, ``site east, system orders_db: ``."""
    named = [
        f"{_THINGS[str(part)]} {loc[position + 1]}"
        for position, part in enumerate(loc[:-2])
        if part in _THINGS
    ]
    if not named and loc and loc[0] == "dns":
        named = ["dns"]
    return f"{', '.join(named)}: " if named else ""


def _flags(node: Node, found: object, loc: Loc, faults: FaultList) -> None:
    """Refuse the words of YAML 1.1 for a flag, which pydantic would take."""
    if isinstance(node, Scalar) and isinstance(found, bool) and not isinstance(node.value, bool):
        what = f"{loc[-1]} is {node.value!r}, expected true or false"
        faults.add(node.mark, _subject(loc) + what, flag_hint(node.value))
    if not isinstance(node, Pairs):
        return
    for key, part in node.nodes.items():
        inner = found.get(key) if isinstance(found, dict) else getattr(found, key, None)
        if isinstance(inner, bool | dict | BaseModel):
            _flags(part, inner, (*loc, key), faults)
