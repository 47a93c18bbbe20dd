"""People with SSH keys of their own, an inventory that knows them, and what they sign."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from engine_bench import Bench, inventory

from drtool.connections.ssh_signer import Signer
from drtool.model.event import ConsentAsked, Request
from drtool.model.inventory import Inventory
from drtool.model.people import Person, Right, Role
from drtool.model.plan import Plan
from drtool.model.signed import Signed
from drtool.model.signed_text import Answer, answer_text, request_text

RIGHTS = {
    "operator": (Right.OPERATE,),
    "first": (Right.APPROVE,),
    "second": (Right.APPROVE,),
    "third": (Right.APPROVE,),
}


class People:
    """Each with a key file; ``first`` and ``second`` are the commander's people, ``third`` deputy.

    The operator starts runs and is of no role.
    """

    def __init__(self, directory: Path, **rights: tuple[Right, ...]) -> None:
        self.directory = directory / "people"
        self.directory.mkdir()
        self.rights = RIGHTS | rights
        self.keys = {name: self._make(name) for name in self.rights}

    def _make(self, name: str) -> str:
        private = ed25519.Ed25519PrivateKey.generate()
        path = self.file(name)
        path.touch(mode=0o600)
        path.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
        )
        form = serialization.PublicFormat.OpenSSH
        return private.public_key().public_bytes(serialization.Encoding.OpenSSH, form).decode()

    def file(self, name: str) -> Path:
        return self.directory / name

    def signed(self, name: str, message: str) -> Signed:
        key = self.keys[name]
        signature = Signer(self.file(name)).sign(message, key)
        return Signed(by=name, key=key, message=message, signature=signature)

    def inventory(self, *, without: tuple[str, ...] = (), needs: int | None = None) -> Inventory:
        people = {
            name: Person(keys=() if name in without else (key,), may=self.rights[name])
            for name, key in self.keys.items()
        }
        role = Role(people=("first", "second"), deputies=("third",), needs=needs)
        roles = {"commander": role}
        return inventory().model_copy(update={"people": people, "roles": roles})

    def answer(self, bench: Bench, step: str, by: str, verb: Any = "approve", **said: Any) -> None:
        """Leave a signed answer to a question that waits; ``changed`` is what its text lies in."""
        changed = said.pop("changed", {})
        run = said.pop("run", bench.run)
        state = bench.state
        asked = next(one.asked for one in state.waiting_for if one.asked.step == step)
        plan: Plan = state.plan.model_copy(update=changed.pop("plan", {}))
        asked = ConsentAsked.model_validate({**dict(asked), **changed})
        answer = Answer(
            by=by,
            decision="denied" if verb == "deny" else "approved",
            reason=said.get("reason", ""),
            break_glass=said.get("break_glass", False),
            evidence=said.get("evidence", ()),
        )
        message = answer_text(run, state.mode, plan, asked, answer)
        signed = said.pop("signed", None) or self.signed(by, message)
        self.request(bench, verb, step, by, signed=signed, **said)

    def word(self, bench: Bench, verb: Any, step: str, by: str, **said: Any) -> None:
        """Leave a signed word that steers the run."""
        at = bench.clock.wall() - said.pop("ago", timedelta(0))
        request = Request(run=bench.run, verb=verb, step=step, by=by, at=at, **said)
        signed = self.signed(by, request_text(request, by))
        bench.journal.request(request.model_copy(update={"signed": signed}))

    @staticmethod
    def request(bench: Bench, verb: Any, step: str, by: str, **said: Any) -> None:
        given: dict[str, Any] = {"service": "orders", "at": bench.clock.wall()}
        request = Request(run=bench.run, verb=verb, step=step, by=by, **(given | said))
        bench.journal.request(request)
