"""A procedure's steps with what the rules of order ask of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drtool.action import Entry
from drtool.catalog import Catalog, is_one_way, kind_of
from drtool.errors import BadInput
from drtool.model.purpose import Procedure, Purpose, StepKind
from drtool.model.runbook import Step
from drtool.runbook.expansion import Spread
from drtool.runbook.marks import FaultList

_HUMAN = {StepKind.APPROVAL, StepKind.MANUAL}


@dataclass(frozen=True, slots=True)
class Standing:
    """One step, what it is for, and where it stands; ``position`` is its bit in ``before``."""

    position: int
    spread: Spread
    entry: type[Entry] | None
    kind: StepKind
    purpose: Purpose
    one_way: bool

    @property
    def step(self) -> Step:
        """The step as it is written."""
        return self.spread.step

    @property
    def human(self) -> bool:
        """Whether a person has to answer."""
        return self.kind in _HUMAN

    def after(self, other: Standing) -> bool:
        """Whether the other step stands upstream."""
        return bool(self.spread.before >> other.position & 1)


class Order:
    """All the steps of a procedure; rules note their faults here."""

    def __init__(
        self, procedure: Procedure, source: str, steps: list[Standing], faults: FaultList
    ) -> None:
        self.procedure, self.source, self.faults = procedure, source, faults
        self.steps = [step for step in steps if not step.spread.rescues]

    def of(self, *purposes: Purpose) -> list[Standing]:
        """The steps that are for one of these."""
        return [step for step in self.steps if step.purpose in purposes]

    def where(self, fits: Callable[[Standing], bool]) -> Iterator[Standing]:
        """The steps that fit."""
        return filter(fits, self.steps)

    def fault(self, step: Standing | None, what: str, hint: str = "", key: str = "") -> None:
        """Note a fault of one step, or of the procedure."""
        if step is None:
            self.faults.add(self.source, f"procedure {self.procedure.value}: {what}", hint)
            return
        place = step.step.place_of(key) if key else step.step.source
        self.faults.add(
            place, f"step {step.step.name}: {what} (procedure {self.procedure.value})", hint
        )


def stand(steps: list[Spread], catalog: Catalog) -> list[Standing] | None:
    """The steps with their classes; None when one is unlike anything that is known."""
    found = []
    for position, spread in enumerate(steps):
        entry = _entry(spread.step, catalog)
        if entry is None and spread.step.kind not in _HUMAN:
            return None
        kind = kind_of(entry) if entry else spread.step.kind
        said = spread.step.purpose if entry is None or entry.may_set_purpose else None
        purpose = said or (entry.purpose if entry else Purpose.ASSESS)
        one_way = is_one_way(entry) if entry else False
        found.append(Standing(position, spread, entry, kind, purpose, one_way))
    return found


def _entry(step: Step, catalog: Catalog) -> type[Entry] | None:
    """The class of a step; the nearest one's where the name is misspelt, so as to go on."""
    if step.kind in _HUMAN:
        return None
    try:
        return catalog.get(step.uses)
    except BadInput:
        like = catalog.nearest(step.uses)
        return catalog.get(like) if like else None
