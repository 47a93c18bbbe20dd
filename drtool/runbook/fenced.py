"""Whether what a procedure fences is what its promotions leave behind."""

from __future__ import annotations

from collections.abc import Iterable

from drtool.action import Target
from drtool.catalog import Catalog
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.plan import PlanStep
from drtool.model.purpose import Purpose, StepKind
from drtool.runbook.marks import FaultList


def check_fenced(
    steps: Iterable[PlanStep],
    inventory: Inventory,
    direction: Direction,
    catalog: Catalog,
    faults: FaultList,
) -> None:
    """Note each promotion that would be refused, with something else fenced and down.

    That some fence of its kind stands before it is a rule of order; here each has its place.
    """
    made = [(step, kind) for step in steps if (kind := _kind(step, catalog))]
    fences = [(step, kind) for step, kind in made if step.purpose is Purpose.FENCE]
    for promotion, kind in made:
        place = promotion.place
        if promotion.purpose is not Purpose.PROMOTE or place is None or not direction.from_site:
            continue
        left = inventory.counterparts(place, direction.from_site)
        fenced = [fence for fence, its_kind in fences if its_kind == kind]
        if len(left) != 1 or not fenced:
            continue
        missed = Place(site=direction.from_site, system=left[0])
        if any(_is(fence.place, missed) for fence in fenced):
            continue
        faults.add(
            promotion.source,
            f"step {promotion.name}: promotes {place} with {missed} not fenced: step "
            f"{fenced[-1].name} fences {fenced[-1].place}",
            f"put {kind}.fence (at: from.{left[0]}) before it",
        )


def _kind(step: PlanStep, catalog: Catalog) -> str:
    """The kind of system whose state a step changes; "" for everything else."""
    if step.kind is not StepKind.ACTION or step.place is None:
        return ""
    entry = catalog.get(step.action)
    return entry.system_kind if entry.target is Target.SYSTEM else ""


def _is(place: Place | None, wanted: Place) -> bool:
    """Whether it is that system; a member of a cluster stands for it."""
    return place is not None and (place.site, place.system) == (wanted.site, wanted.system)
