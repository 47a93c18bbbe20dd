"""Who may start, steer and consent, where the inventory says with which keys people prove it.

Without any key in the inventory all of it is left to the typed word, as everything here returns
None then.
"""

from __future__ import annotations

from drtool.errors import Reason
from drtool.model.event import ConsentAsked
from drtool.model.inventory import Inventory
from drtool.model.people import Right
from drtool.model.purpose import Mode, Procedure

_TO_START = {Mode.LIVE: (Right.OPERATE,), Mode.DRILL: (Right.OPERATE, Right.REHEARSE)}
BREAK_GLASS = "--break-glass --reason 'why it cannot wait'"


def reason_not_permitted(inventory: Inventory, person: str, *rights: Right) -> Reason | None:
    """Why a person may not do what takes one of the rights; None where nobody has a key."""
    if not inventory.proves_identity:
        return None
    known = inventory.people.get(person)
    if known is None:
        return Reason(f"{person} is not under people in the inventory", _may(inventory, rights))
    if set(rights) & set(known.may):
        return None
    wanted = " or ".join(right.value for right in rights)
    has = ", ".join(right.value for right in known.may) or "nothing"
    return Reason(f"{person} may {has}, not {wanted}", _may(inventory, rights))


def reason_not_to_start(
    inventory: Inventory, person: str, mode: Mode, procedure: Procedure | None = None
) -> Reason | None:
    """Why a person may not start, and so steer, a run in a mode; dry-runs are free.

    A rehearsal never reaches production: it takes no more than a drill does.
    """
    drill = Mode.DRILL if procedure is Procedure.REHEARSAL and mode is Mode.LIVE else mode
    rights = _TO_START.get(drill)
    return reason_not_permitted(inventory, person, *rights) if rights else None


def those_who_may(
    asked: ConsentAsked, inventory: Inventory, requester: str, mode: Mode
) -> tuple[str, ...]:
    """The people whose answer to a question counts, in the inventory's order."""
    names = inventory.people if inventory.proves_identity else _of(asked, inventory)
    return tuple(
        name
        for name in names
        if (not inventory.proves_identity or inventory.people[name].keys)
        and reason_not_to_answer(asked, inventory, name, requester, mode) is None
    )


def reason_not_to_answer(
    asked: ConsentAsked,
    inventory: Inventory,
    person: str,
    requester: str,
    mode: Mode,
    *,
    denies: bool = False,
) -> Reason | None:
    """Why a person's yes, or no, to a question does not count; ``requester`` began the run."""
    if not inventory.proves_identity:
        return None
    if asked.what == "decision":
        return reason_not_to_start(inventory, person, mode)
    if not asked.of:
        rights = (*_TO_START.get(mode, ()), Right.APPROVE)
        return reason_not_permitted(inventory, person, *rights)
    return _reason_of_role(asked, inventory, person, "" if denies else requester)


def _reason_of_role(
    asked: ConsentAsked, inventory: Inventory, person: str, requester: str
) -> Reason | None:
    if asked.what == "manual":
        if person == asked.of or person in _of(asked, inventory):
            return None
        return Reason(f"{person} is not {asked.of}, whose work it is", _they(asked, inventory))
    if person not in _of(asked, inventory):
        return Reason(f"{person} is not of {asked.of}", _they(asked, inventory))
    if person == requester:
        found = f"{person} asked for this run, and somebody else must approve it"
        return Reason(found, _they(asked, inventory, but=person))
    return reason_not_permitted(inventory, person, Right.APPROVE)


def _of(asked: ConsentAsked, inventory: Inventory) -> tuple[str, ...]:
    role = inventory.roles.get(asked.of)
    return role.members if role else ()


def _they(asked: ConsentAsked, inventory: Inventory, but: str = "") -> str:
    members = [name for name in _of(asked, inventory) or (asked.of,) if name != but]
    ask = f"ask {', '.join(members) or 'nobody: no other is named'}"
    return ask if asked.what == "manual" else f"{ask}; or {BREAK_GLASS}"


def _may(inventory: Inventory, rights: tuple[Right, ...]) -> str:
    able = [
        name
        for name, person in inventory.people.items()
        if person.keys and set(rights) & set(person.may)
    ]
    return f"ask {', '.join(able)}" if able else "nobody in the inventory may"
