"""Whether the person here may start a run, proven by a signature over what was typed."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from drtool.bootstrap import App
from drtool.connections.ssh_signature import reason_not_signed
from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput, Refused, hint_of
from drtool.model.inventory import Inventory
from drtool.model.signed_text import Facts, differing, start_text, words
from drtool.runbook.load import Loaded, inventory_named_in, load
from drtool.safety.rights import BREAK_GLASS, reason_not_to_start
from drtool.verbs.identity import identity
from drtool.verbs.request import StartRequest, parameters

_ROOT = re.compile(r"^( *)(?:services|sites) *:", re.MULTILINE)
_INVENTORY = re.compile(r"^inventory: +([^\s#'\"]+)", re.MULTILINE)


def permitted(
    request: StartRequest, app: App, signer: Signer | None
) -> tuple[StartRequest, Loaded | None]:
    """The request, signed where the inventory's people have keys; what was read on the way.

    Only a look at the inventory's text is spent where there are none. Raises BadInput when no key
    of the inventory is at hand, Refused when its person may not start this.
    """
    if not request.mode.changes_the_world or request.because or not _may_name_people(request):
        return request, None
    loaded = load(request.runbook, request.inventory, app.catalog, parameters(request.parameters))
    if not loaded.inventory.proves_identity or signer is None:
        return request, loaded
    who = identity(loaded.inventory, signer)
    named = request.model_copy(
        update={
            "requester": f"{who.person} ({request.requester})",
            "asked_at": app.clock.wall(),
        }
    )
    reason = None if request.break_glass else _reason_not(loaded.inventory, who.person, named)
    if reason is not None:
        hint = f"{hint_of(reason)}; or {BREAK_GLASS}"
        raise Refused(request.procedure.value, reason, hint=hint)
    message = _text(named, loaded, who.person)
    return named.model_copy(update={"signed": who.signed(message)}), loaded


def must_be_signed(request: StartRequest, loaded: Loaded) -> None:
    """Raise Refused unless the start is signed by somebody who may, where people have keys."""
    inventory, signed = loaded.inventory, request.signed
    if not request.mode.changes_the_world or request.because or not inventory.proves_identity:
        return
    subject = request.procedure.value
    if signed is None:
        raise Refused(subject, "is not signed: nobody knows who starts it", hint="--key FILE")
    owner, message = inventory.people.get(signed.by), _text(request, loaded, signed.by)
    reason = (
        None if owner and owner.has(signed.key) else f"{signed.by} has no such key in the inventory"
    )
    if differs := differing(message, signed.message):
        reason = f"is signed for something else: {differs}"
    reason = reason or reason_not_signed(signed.message, signed.signature, signed.key)
    if reason is None and not request.break_glass:
        reason = _reason_not(inventory, signed.by, request)
    if reason is not None:
        raise Refused(subject, reason, hint=hint_of(reason))


def break_glass_reason(given: object, reason: str | None) -> str:
    """Why the rules of who may are put aside; "" where they are not. Raises BadInput."""
    if not given:
        return ""
    if not reason or not reason.strip():
        raise BadInput("--break-glass", "no reason is given", hint=BREAK_GLASS)
    return reason


def _reason_not(inventory: Inventory, person: str, request: StartRequest) -> str | None:
    return reason_not_to_start(inventory, person, request.mode, request.procedure)


def _text(request: StartRequest, loaded: Loaded, person: str) -> str:
    at = request.asked_at
    if at is None:
        raise Refused(request.procedure.value, "its signature has no time")
    broken = bool(request.break_glass)
    return start_text(_facts(request, loaded), person, at, request.break_glass, break_glass=broken)


def _facts(request: StartRequest, loaded: Loaded) -> Facts:
    loss = request.accepted_loss
    return (
        ("service", loaded.runbook.service),
        ("mode", request.mode.value),
        ("procedure", request.procedure.value),
        ("from", request.from_site or "as observed"),
        ("to", request.to_site or "as observed"),
        ("runbook", _file(request.runbook)),
        ("inventory", _file(Path(loaded.inventory_source))),
        ("parameters", words(" ".join(request.parameters))),
        ("outage", request.outage_since or "not told"),
        ("data-loss", f"at most {loss.at_most}" if loss else "within the objective"),
        ("requester", request.requester),
    )


def _file(path: Path) -> str:
    try:
        return f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()} {path.name}"
    except OSError as error:
        raise BadInput(str(path), error.strerror or str(error)) from error


def _may_name_people(request: StartRequest) -> bool:
    """Whether an inventory's text could speak of people; what is wrong with it is told later."""
    try:
        path = request.inventory or _named_in(request.runbook)
        return path is not None and _may_speak_of_people(path.read_text("utf-8", "replace"))
    except OSError:
        return False


def _may_speak_of_people(text: str) -> bool:
    """Whether the key stands where the others do; a form that is not understood may have it."""
    root = _ROOT.search(text)
    return root is None or re.search(rf"^{root[1]}['\"]?people\b", text, re.MULTILINE) is not None


def _named_in(runbook: Path) -> Path | None:
    found = _INVENTORY.search(runbook.read_text("utf-8", "replace"))
    return runbook.parent / found[1] if found else inventory_named_in(runbook)
