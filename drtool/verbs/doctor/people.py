"""People: who can start a run from this terminal, by the key that is at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drtool.model.inventory import Inventory
from drtool.model.people import Right
from drtool.model.public_key import fingerprint_of
from drtool.verbs.doctor.finding import Area, Finding


def findings(inventory: Inventory, keys: Iterable[str]) -> Iterator[Finding]:
    """Whose key is at hand and what it lets them do; nothing where people have no keys. Pure."""
    if not inventory.proves_identity:
        return
    own = next(((key, name) for key in keys if (name := inventory.person_of(key))), None)
    if own is None:
        yield Area.PEOPLE.warning(
            "your SSH key",
            "none at hand is in the inventory: you could neither start a run here nor approve one",
            "ssh-add FILE, or export DRTOOL_KEY=FILE",
            f"a key of {', '.join(name for name, one in inventory.people.items() if one.keys)}",
        )
        return
    key, name = own
    may = inventory.people[name].may
    rights = ", ".join(right.value for right in may) or "do nothing"
    said = f"{name}, with key {fingerprint_of(key)}: may {rights}"
    if Right.OPERATE in may:
        yield Area.PEOPLE.well("you", said)
    else:
        able = [n for n, one in inventory.people.items() if one.keys and Right.OPERATE in one.may]
        cure = f"live runs are started by {', '.join(able) or 'nobody'}"
        yield Area.PEOPLE.warning("you", said, cure, "somebody who may operate")
