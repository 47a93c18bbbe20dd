"""Freeze a service, so that nobody starts anything on it, and thaw it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from drtool.bootstrap import App, build
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput, Faults, Refused, Unreachable, hint_of
from drtool.lease.freeze import Flag, flag_places, frozen, places, read_flag, write_flag
from drtool.lease.freeze_record import Freeze, thawed_text
from drtool.model.event import PARTLY_READ, Warned
from drtool.model.inventory import Inventory
from drtool.model.people import Right
from drtool.model.secret import secrets_in
from drtool.model.value import Value
from drtool.runbook.inventory import read_inventory
from drtool.runbook.mapping import did_you_mean
from drtool.runbook.marks import FaultList
from drtool.safety.rights import reason_not_permitted
from drtool.units import Duration
from drtool.verbs.identity import identity, signer_of
from drtool.verbs.preflight import Call
from drtool.verbs.request import requester

WAIT_SECONDS = 2.0
_WRITE_SECONDS = 15.0
_DEFAULT = Path("inventory.yaml")


class Flags(Value):
    """What each place says after the flag was set or ended."""

    service: str
    freeze: Freeze | None = None
    flags: tuple[Flag, ...]

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be written where."""
        return tuple(flag.trouble for flag in self.flags if flag.trouble)


def freeze(
    service: str,
    inventory: Path | None,
    reason: str,
    until: str | None,
    signer: Signer | None = None,
) -> Flags:
    """Set the flag at every place; raises Unreachable when none takes it.

    Where people have keys it takes the right to operate or to approve: raises BadInput when no
    key of the inventory is at hand, Refused when its person has neither.
    """
    app, path = build(), inventory or _DEFAULT
    now = app.clock.wall()
    why, end = _reason("freeze", reason), _end(until, now)
    read = _inventory(service, path)
    why = _masked(why, app, read, path)
    flag = Freeze(by=_by("freeze", read, signer), since=now, until=end, reason=why)
    return Flags(service=service, freeze=flag, flags=_written(service, read, path, flag.text()))


def thaw(service: str, inventory: Path | None, reason: str, signer: Signer | None = None) -> Flags:
    """End the freeze at every place; raises Unreachable when one of them may still bear it.

    Who may is as with ``freeze``.
    """
    why, path = _reason("thaw", reason), inventory or _DEFAULT
    read = _inventory(service, path)
    why = _masked(why, build(), read, path)
    new = thawed_text(_by("thaw", read, signer), why)
    flags = _written(service, read, path, new)
    left = [flag for flag in flags if flag.trouble]
    if left:
        raise Unreachable(
            f"service {service}",
            f"is thawed but at {' and '.join(flag.where for flag in left)}: {left[0].trouble}",
            "the flag ended at every place that may bear it",
            thaw_command(service, path),
        )
    return Flags(service=service, flags=flags)


def thaw_command(service: str, inventory: Path | str) -> str:
    """What ends a freeze."""
    words = ["drtool", "thaw", service, "--inventory", str(inventory), "--reason", "why"]
    return shlex.join(words)


def ask_flags(service: str, context: Context) -> dict[str, Call[Flag]]:
    """Begin to ask every place; nothing where the inventory names no place for a flag."""
    return {
        where: Call(where, partial(read_flag, where, opened))
        for where, opened in flag_places(service, context).items()
    }


def answers(asked: dict[str, Call[Flag]]) -> tuple[Flag, ...]:
    """What they say within two seconds; a place that does not is a trouble."""
    found = {where: call.result(WAIT_SECONDS) for where, call in asked.items()}
    return tuple(
        one if isinstance(one, Flag) else Flag(where=where, trouble=one.line())
        for where, one in found.items()
    )


def reason_not_to_start(
    service: str, flags: Sequence[Flag], now: datetime, inventory: Path | str
) -> Refused | None:
    """The refusal of a start on a frozen service, with the command that ends the freeze."""
    flag = frozen(flags, now)
    if flag is None or flag.freeze is None:
        return None
    return Refused(
        f"service {service}",
        f"is {flag.freeze.told()} (at {flag.where})",
        "a service that nobody froze",
        thaw_command(service, inventory),
    )


def not_frozen(
    asked: dict[str, Call[Flag]], service: str, now: datetime, inventory: str, aside: str
) -> tuple[Warned, ...]:
    """What to tell of a start on a service that is not frozen, or whose freeze is put ``aside``.

    Raises Refused where it is frozen and nobody put that aside.
    """
    flags = answers(asked)
    refused = reason_not_to_start(service, flags, now, inventory)
    if refused is None:
        return unread(flags)
    if not aside:
        raise refused
    text = f"{refused.subject} {refused.found}; BREAK-GLASS: {aside}"
    return (Warned(about="freeze", text=text),)


def unread(flags: Sequence[Flag]) -> tuple[Warned, ...]:
    """What a start is told of places that did not say whether the service is frozen.

    That a lost site's place is silent disturbs nobody as long as another one has answered.
    """
    heard = ", ".join(one.where for one in flags if not one.trouble)
    silent = [one.trouble for one in flags if one.trouble]
    if heard:
        return tuple(
            Warned(about=PARTLY_READ, text=f"nobody froze it at {heard}; no answer: {one}")
            for one in silent
        )
    return tuple(
        Warned(about="freeze", text=f"whether it is frozen is not known: {one}") for one in silent
    )


def _by(verb: str, inventory: Inventory, signer: Signer | None) -> str:
    """Who asks: the person of the key at hand, where the inventory's people have some."""
    if not inventory.proves_identity:
        return requester()
    who = identity(inventory, signer or signer_of())
    reason = reason_not_permitted(inventory, who.person, Right.OPERATE, Right.APPROVE)
    if reason is not None:
        raise Refused(verb, reason, hint=hint_of(reason))
    return who.person


def _written(service: str, inventory: Inventory, path: Path, new: str) -> tuple[Flag, ...]:
    app = build()
    here = Secrets(app.redactor, path.parent.resolve())
    context = Context(inventory, here, app.clock, run="freeze")
    calls = {
        name: Call(name, partial(write_flag, name, opened, new))
        for name, opened in places(service, context).items()
    }
    found = {name: call.result(_WRITE_SECONDS) for name, call in calls.items()}
    flags = tuple(
        one if isinstance(one, Flag) else Flag(where=name, trouble=one.line())
        for name, one in found.items()
    )
    if all(flag.trouble for flag in flags):
        said = "; ".join(flag.trouble for flag in flags) or "there is no place"
        raise Unreachable(f"service {service}", f"no place takes the flag: {said}", "one at least")
    return flags


def _inventory(service: str, path: Path) -> Inventory:
    if not path.is_file():
        raise BadInput(str(path), "is not there", "an inventory", "--inventory FILE")
    faults = FaultList()
    inventory = read_inventory(path, faults)
    faults.raise_any()
    if inventory is None:
        raise Faults((f"{path}: cannot be read",))
    if service not in inventory.services:
        known = ", ".join(inventory.services) or "none"
        raise BadInput(
            f"service {service}",
            f"is not in {path}",
            known,
            did_you_mean(service, inventory.services),
        )
    return inventory


def _reason(verb: str, said: str) -> str:
    if not said.strip():
        raise BadInput(verb, "no reason is given", hint='--reason "why"')
    return said


def _masked(reason: str, app: App, inventory: Inventory, path: Path) -> str:
    """The reason without the inventory's secrets: it is read by whoever may read the flag."""
    return Secrets(app.redactor, path.parent.resolve()).clean(reason, secrets_in(inventory))


def _end(said: str | None, now: datetime) -> datetime | None:
    """When a freeze ends by itself: a time with its zone, or a duration from now."""
    if not said:
        return None
    try:
        end = now + timedelta(seconds=Duration.parse(said).seconds)
    except ValueError:
        end = _time(said)
    if end <= now:
        raise BadInput("--until", f"{said} is over", f"a time after {now:%Y-%m-%dT%H:%M}Z")
    return end


def _time(said: str) -> datetime:
    try:
        end = datetime.fromisoformat(said)
    except ValueError as error:
        hint = "--until 2026-03-01T08:00:00Z, or 8h"
        what = f"{said!r} is neither a time nor a duration"
        raise BadInput("--until", what, hint=hint) from error
    if end.tzinfo is None:
        raise BadInput("--until", f"{said!r} has no time zone", hint=f"--until {said}Z for UTC")
    return end.astimezone(UTC)
