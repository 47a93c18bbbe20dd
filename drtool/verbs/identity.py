"""Who sits at this terminal, by the SSH key that is at hand; and words that this person signs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from drtool.bootstrap import App
from drtool.connections.secrets import Secrets
from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput, Refused, hint_of
from drtool.model.event import Request
from drtool.model.inventory import Inventory
from drtool.model.plan import Plan
from drtool.model.public_key import fingerprint_of
from drtool.model.secret import secrets_in
from drtool.model.signed import Signed
from drtool.model.signed_text import request_text
from drtool.safety.rights import reason_not_to_start
from drtool.verbs.records import state_of

KEY_VARIABLE = "DRTOOL_KEY"


@dataclass(frozen=True)
class Identity:
    """A person of an inventory, and the key that proves it."""

    person: str
    key: str
    signer: Signer

    def signed(self, message: str) -> Signed:
        """A text with this person's signature; asks for a passphrase where the key has one."""
        signature = self.signer.sign(message, self.key)
        return Signed(by=self.person, key=self.key, message=message, signature=signature)


def signer_of(key: Path | None = None) -> Signer:
    """The keys at hand: that one, or the one that DRTOOL_KEY names, or the agent's and the usual.

    ``~`` stands for the home in each of them.
    """
    named = key or (Path(said) if (said := os.environ.get(KEY_VARIABLE)) else None)
    return Signer(named.expanduser() if named else None)


def identity(inventory: Inventory, signer: Signer) -> Identity:
    """The person whose key is at hand; raises BadInput when no key of the inventory is."""
    keys = [key for person in inventory.people.values() for key in person.keys]
    key = signer.key_of(keys)
    person = inventory.person_of(key) if key else None
    if key is not None and person is not None:
        return Identity(person, key, signer)
    offered = signer.offered()
    shown = ", ".join(map(fingerprint_of, offered[:3]))
    known = ", ".join(name for name, person in inventory.people.items() if person.keys)
    if signer.key_file is not None:
        raise BadInput(
            f"ssh key {signer.key_file}",
            f"{shown} is not in the inventory",
            f"a key of {known}",
            f'--key FILE; for a new run, write people: {{NAME: {{keys: ["{offered[0]}"]}}}}',
        )
    raise BadInput(
        "your SSH key",
        f"{shown} is not in the inventory" if offered else "is not found",
        f"a key of {known}",
        "--key FILE, or ssh-add FILE",
    )


def identity_if_any(inventory: Inventory, signer: Signer) -> Identity | None:
    """The person whose key is at hand, if there is one."""
    try:
        return identity(inventory, signer)
    except BadInput:
        return None


def masked(app: App, plan: Plan, request: Request) -> Request:
    """A request without the plan's secrets in its reason: before it is signed, and kept."""
    secrets = Secrets(app.redactor, Path(plan.inventory_source).parent)
    reason = secrets.clean(request.reason, secrets_in(plan))
    return request.model_copy(update={"reason": reason})


def proven(app: App, request: Request, signer: Signer | None = None) -> Request:
    """A word that steers a run, signed by the person at this terminal where people have keys.

    Its reason is masked first. An abort is free: whoever reaches the journal may stop a run.
    Raises BadInput when no key of the inventory is at hand, Refused when the person may not
    operate.
    """
    state = state_of(request.run, app)[1]
    request = masked(app, state.plan, request)
    inventory = state.plan.inventory
    free = not inventory.proves_identity or request.verb == "abort"
    if free or request.signed is not None:
        return request
    who = identity(inventory, signer or signer_of())
    reason = reason_not_to_start(inventory, who.person, state.mode, state.plan.procedure)
    if reason is not None:
        raise Refused(request.verb, reason, hint=hint_of(reason))
    named = request.model_copy(update={"by": who.person})
    return named.model_copy(update={"signed": who.signed(request_text(named, who.person))})
