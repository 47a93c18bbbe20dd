"""A procedure's steps with what the rules of order ask of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drtool.action import Entry, Target
from drtool.catalog import Catalog, is_one_way, kind_of
from drtool.errors import BadInput
from drtool.model.purpose import OnFailure, Procedure, Purpose, StepKind
from drtool.model.runbook import Step
from drtool.runbook.expansion import Spread
from drtool.runbook.marks import FaultList

_HUMAN = {StepKind.APPROVAL, StepKind.MANUAL}


@dataclass(frozen=True, slots=True)
class Standing:
    """One step, what it is for, and where it stands; ``position`` is its bit in ``before``.

    ``resolved`` says that its purpose is known. ``system_kind`` is the kind of system whose state
    it looks at and changes; "" for a command, what a person does, and what is about a host.
    """

    position: int
    spread: Spread
    kind: StepKind
    purpose: Purpose
    one_way: bool
    from_outside: bool
    resolved: bool
    system_kind: str = ""

    @property
    def step(self) -> Step:
        """The step as it is written."""
        return self.spread.step

    @property
    def human(self) -> bool:
        """Whether a person has to answer."""
        return self.kind in _HUMAN

    def supposed(self, purpose: Purpose) -> Standing:
        """The step, if this were its purpose."""
        return replace(self, purpose=purpose, from_outside=purpose is Purpose.VERIFY)

    def after(self, other: Standing) -> bool:
        """Whether the other step stands upstream."""
        return bool(self.spread.before >> other.position & 1)

    def sure_of(self, other: Standing) -> bool:
        """Whether the other step has run whenever this one runs."""
        return self.after(other) and (
            other.step.when in {None, self.step.when} or self.step.unread("when")
        )

    @property
    def may_fail(self) -> bool:
        """Whether what follows the step runs although it failed."""
        return self.step.on_failure is OnFailure.CONTINUE

    def relies_on(self, other: Standing) -> bool:
        """Whether the other step has ended well whenever this one runs."""
        return self.sure_of(other) and not other.may_fail


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


def stand(steps: list[Spread], catalog: Catalog) -> list[Standing]:
    """The steps with what their classes say."""
    return [_standing(position, spread, catalog) for position, spread in enumerate(steps)]


def suppositions(steps: list[Standing]) -> Iterator[list[Standing]]:
    """The steps, once for each thing that those of an unknown purpose may be.

    A fault that is not found each time only follows from what could not be resolved.
    """
    if all(step.resolved for step in steps):
        yield steps
        return
    for purpose in Purpose:
        yield [step if step.resolved else step.supposed(purpose) for step in steps]
    yield [_approval(step) if step.spread.lost else step for step in steps]


def _standing(position: int, spread: Spread, catalog: Catalog) -> Standing:
    step, entry = spread.step, _entry(spread.step, catalog)
    kind = kind_of(entry) if entry else step.kind
    said = step.purpose if entry is None or entry.may_set_purpose else None
    misread = step.unread("purpose") and (entry is None or entry.may_set_purpose)
    return Standing(
        position=position,
        spread=spread,
        kind=kind,
        purpose=said or (entry.purpose if entry else Purpose.ASSESS),
        one_way=is_one_way(entry) if entry else False,
        from_outside=entry is not None and entry.from_outside,
        resolved=not misread and (entry is not None or kind in _HUMAN),
        system_kind=_system_kind(entry) if entry and kind is StepKind.ACTION else "",
    )


def _system_kind(entry: type[Entry]) -> str:
    return entry.system_kind if entry.target is Target.SYSTEM else ""


def _entry(step: Step, catalog: Catalog) -> type[Entry] | None:
    if step.kind in _HUMAN:
        return None
    try:
        return catalog.get(step.uses)
    except BadInput:
        return None


def _approval(step: Standing) -> Standing:
    return replace(step, kind=StepKind.APPROVAL)
