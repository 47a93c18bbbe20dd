"""Write what people signed in a run as files that plain ssh-keygen verifies."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from drtool.bootstrap import build
from drtool.errors import BadInput
from drtool.model.signed import NAMESPACE, Signed
from drtool.model.value import Value
from drtool.progress.run_state import RunState
from drtool.verbs.records import state_of

ALLOWED = "allowed_signers"


class Exported(Value):
    """What was written, and the commands that verify it, each for one signature."""

    written: tuple[str, ...]
    commands: tuple[str, ...]


def export(said: str, directory: Path) -> Exported:
    """Write the people's keys, and each signed text with its signature beside it.

    The keys are those of the inventory that is stored with the run. Raises BadInput when nothing
    in the run is signed, or when the files cannot be written.
    """
    run, state = state_of(said, build())
    found = list(_signed(state))
    if not found:
        raise BadInput(f"run {run}", "nothing in it is signed: its inventory names no keys")
    written: list[str] = []
    commands = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory / ALLOWED, "".join(_signers(state)), written)
        for number, (step, signed) in enumerate(found, 1):
            message = directory / f"{number:02}-{step}-{signed.by}.txt"
            _write(message, signed.message, written)
            _write(message.with_name(f"{message.name}.sig"), signed.signature, written)
            commands.append(verify_command(directory, message, signed.by))
    except OSError as error:
        raise BadInput(f"--approvals {directory}", error.strerror or str(error)) from error
    return Exported(written=tuple(written), commands=tuple(commands))


def verify_command(directory: Path, message: Path, by: str) -> str:
    """What to type to verify one signature."""
    words = ["ssh-keygen", "-Y", "verify", "-f", str(directory / ALLOWED), "-I", by]
    words += ["-n", NAMESPACE, "-s", f"{message}.sig"]
    return f"{shlex.join(words)} < {shlex.quote(str(message))}"


def _signed(state: RunState) -> Iterator[tuple[str, Signed]]:
    """Everything that was signed, in its order; the request to start the run comes first."""
    if state.signed is not None:
        yield "begin", state.signed
    for consent in state.consents:
        for one in consent.approvals:
            if one.signed is not None:
                yield one.step, one.signed


def _signers(state: RunState) -> Iterator[str]:
    for name, person in state.plan.inventory.people.items():
        for key in person.keys:
            yield f'{name} namespaces="{NAMESPACE}" {key}\n'


def _write(path: Path, text: str, written: list[str]) -> None:
    path.write_text(text, encoding="utf-8", newline="")
    written.append(str(path))
