"""The runbook and the inventory: their faults are findings, and what can be read is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drtool.catalog import Catalog
from drtool.errors import BadInput, Faults
from drtool.model.inventory import Inventory
from drtool.runbook.inventory import read_inventory
from drtool.runbook.load import Loaded, inventory_named_in, load
from drtool.runbook.marks import FaultList
from drtool.verbs.doctor.finding import Area, Finding

_AREA = Area.DOCUMENTS
# What lint warns of too, and what has a finding of its own with a better cure.
_TOLD_ELSEWHERE = (" is at journal, ", " has no boot guard: ")
_LINE = re.compile(r"(?P<place>.*?:\d+:\d+): (?P<what>.*?)(\n  hint: (?P<hint>.*))?", re.DOTALL)


@dataclass(frozen=True)
class Documents:
    """What could be read of them; ``loaded`` only when the runbook has no fault."""

    findings: tuple[Finding, ...] = ()
    loaded: Loaded | None = None
    inventory: Inventory | None = None
    inventory_path: Path | None = None


def read_documents(
    runbook: Path | None, inventory: Path | None, catalog: Catalog, parameters: Mapping[str, str]
) -> Documents:
    """Read what was named. Raises BadInput for a file that is not there."""
    for path in (runbook, inventory):
        if path is not None and not path.is_file():
            raise BadInput(str(path), "is not there", "a YAML file")
    if runbook is None:
        return _inventory_alone(inventory) if inventory else Documents()
    try:
        loaded = load(runbook, inventory, catalog, parameters)
    except Faults as error:
        rest = _inventory_alone(inventory or inventory_named_in(runbook))
        told = dict.fromkeys([*faults(error.lines, str(runbook)), *rest.findings])
        return Documents(tuple(told), None, rest.inventory, rest.inventory_path)
    where = Path(loaded.inventory_source)
    return Documents(tuple(_clean(loaded)), loaded, loaded.inventory, where)


def faults(lines: Sequence[str], document: str) -> Iterator[Finding]:
    """The lines that lint would tell, as problems."""
    for line in lines:
        found = _LINE.fullmatch(line)
        subject, what = (found["place"], found["what"]) if found else (document, line)
        hint = found["hint"] if found else ""
        yield _AREA.problem(subject, what, hint or f"correct it, then: drtool lint {document}")


def _inventory_alone(path: Path | None) -> Documents:
    if path is None:
        return Documents()
    noted = FaultList()
    inventory = read_inventory(path, noted)
    told = tuple(faults(noted.lines(), str(path)))
    return Documents(told or (_AREA.well(str(path), "no fault"),), None, inventory, path)


def _clean(loaded: Loaded) -> Iterator[Finding]:
    procedures = ", ".join(procedure.value for procedure in loaded.runbook.procedures)
    for text in loaded.warnings:
        if any(words in text for words in _TOLD_ELSEWHERE):
            continue
        said = text.removeprefix(f"{loaded.source}: ")
        yield _AREA.warning(loaded.source, said, f"drtool lint {loaded.source}")
    yield _AREA.well(loaded.source, f"no fault; {procedures}")
