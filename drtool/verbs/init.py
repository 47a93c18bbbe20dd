"""Begin with a service of one's own: documents from a few answers, linted before written."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from drtool.bootstrap import build
from drtool.connections.ssh_keys import fingerprint, key_blob
from drtool.connections.ssh_scan import offered_host_key
from drtool.errors import BadInput, Faults
from drtool.model.purpose import Procedure
from drtool.model.value import Value
from drtool.runbook.document import read_document
from drtool.runbook.load import load
from drtool.runbook.marks import FaultList
from drtool.scaffold.answers import Answers, answers_of
from drtool.scaffold.documents import (
    file_of,
    inventory_text,
    readme_text,
    runbook_text,
    sampled,
)
from drtool.scaffold.questions import Given, reason_not_a_host_key
from drtool.verbs.schema import DOCUMENTS, file_name, modeline, schema_text
from drtool.verbs.writing import write

SCAN_SECONDS = 5.0
INVENTORY = "inventory.yaml"
ALWAYS = (INVENTORY, "README.md", *map(file_name, DOCUMENTS))
Named = Mapping[str, Mapping[str, str]]


class Begun(Value):
    """What was written, what is left to fill in, and what to type next."""

    written: tuple[str, ...]
    blanks: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]


class OfferedKey(Value):
    """The key that a machine shows, for a person to compare."""

    machine: str
    address: str
    key: str
    fingerprint: str


def offered_keys(given: Given, named: Named) -> list[tuple[str, str, int]]:
    """The machines whose address is known and whose key is not: name, address, port."""
    answers = answers_of(given, named)
    return [
        (machine.name, machine.address, answers.ssh_port)
        for site in answers.sites
        for machine in site.machines
        if " " not in machine.address and reason_not_a_host_key(machine.host_key)
    ]


def look_at_key(machine: str, address: str, port: int) -> OfferedKey:
    """The key that a machine shows now; raises Unreachable when it shows none."""
    key = offered_host_key(address, port, SCAN_SECONDS)
    shown = fingerprint(key_blob(key.partition(" ")[2], machine))
    return OfferedKey(machine=machine, address=address, key=key, fingerprint=shown)


def begin(directory: Path, given: Given, named: Named, *, force: bool) -> Begun:
    """Write the documents into the directory, once they are found good.

    Raises BadInput when one is there already and ``force`` is not said, Faults when what the
    answers make cannot be.
    """
    answers = answers_of(given, named)
    runbook = file_of(answers)
    texts = {
        INVENTORY: inventory_text(answers, modeline(file_name("inventory"))),
        runbook: runbook_text(answers, modeline(file_name("runbook"))),
        **{file_name(document): schema_text(document) for document in DOCUMENTS},
    }
    if not force:
        refuse_to_overwrite(directory, [*texts, "README.md"])
    _judge({name: texts[name] for name in (INVENTORY, runbook)}, runbook)
    blanks = _blanks(texts[INVENTORY])
    commands = _commands(answers, runbook, blanks=bool(blanks))
    texts["README.md"] = readme_text(answers, blanks, _secrets(texts[INVENTORY]), commands)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(str(directory), error.strerror or str(error), "a directory") from error
    for name, text in texts.items():
        write(directory / name, text)
    written = tuple(str(directory / name) for name in texts)
    return Begun(written=written, blanks=tuple(blanks), commands=tuple(commands))


def refuse_to_overwrite(directory: Path, names: Iterable[str] = ALWAYS) -> None:
    """Raise BadInput that names the documents that are there already."""
    there = [name for name in names if (directory / name).exists()]
    if there:
        found = f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already"
        raise BadInput(str(directory), found, hint="another directory, or --force to write over it")


def _judge(texts: dict[str, str], runbook: str) -> None:
    """Lint what will be written, with samples in the places to fill in."""
    with tempfile.TemporaryDirectory() as there:
        for name, text in texts.items():
            write(Path(there) / name, sampled(text))
        try:
            load(Path(there) / runbook, None, build().catalog)
        except Faults as error:
            raise Faults(tuple(line.replace(f"{there}/", "") for line in error.lines)) from error


def _blanks(inventory: str) -> list[str]:
    """The places to fill in, as lint tells them."""
    faults = FaultList()
    with tempfile.TemporaryDirectory() as there:
        path = Path(there) / INVENTORY
        write(path, inventory)
        read_document(path, faults)
        return [
            line.replace(f"{there}/", "").replace(" is still to be filled in\n  hint", "")
            for line in faults.lines()
        ]


def _secrets(inventory: str) -> list[tuple[str, str]]:
    """The secret files that the inventory refers to, and what belongs into each."""
    known = {
        "secrets/drtool.password": "the password of PostgreSQL's user drtool",
        "secrets/replicator.password": "the password of PostgreSQL's user replicator",
        "secrets/bmc.password": "the password of the power controllers' user drtool",
        "secrets/tsig": "the TSIG key for DNS updates, in base64",
    }
    return [(path, what) for path, what in known.items() if f"file:{path}" in inventory]


def _commands(answers: Answers, runbook: str, *, blanks: bool) -> list[tuple[str, str]]:
    """What to type next, in order."""
    home, other = answers.sites[0].name, answers.sites[1].name
    way = "" if answers.shape.kind == "postgresql" else f" --from {home} --to {other}"
    procedure = Procedure.FAILOVER
    if answers.strategy == "active-active":
        procedure, way = Procedure.LOSE, f" --from {home}"
    name = shlex.quote(runbook)
    lint = "names what is left to fill in" if blanks else "finds nothing to say"
    found = [
        (f"drtool lint {name}", lint),
        (f"drtool doctor {name}", "looks at everything that it will need, and changes nothing"),
        (f"drtool plan {name} {procedure.value}{way}", "shows what would be done"),
    ]
    if procedure is Procedure.FAILOVER:
        dry = f"drtool failover {name}{way} --dry-run"
        found.append((dry, "goes through it with the real systems, and changes nothing"))
    return found
