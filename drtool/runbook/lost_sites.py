"""Every unplanned procedure without each site that it may have to leave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from drtool.catalog import Catalog
from drtool.errors import DrtoolError
from drtool.model.plan import Plan
from drtool.model.purpose import Procedure
from drtool.model.stability import Here, Need, Without
from drtool.runbook.direction import ObservedRoles
from drtool.runbook.document import read_document
from drtool.runbook.load import Loaded
from drtool.runbook.marks import FaultList, Pairs, mark_at
from drtool.runbook.planning import plan
from drtool.runbook.stability import needs_without

WAIVER = "static_stability"


def without(loaded: Loaded, site: str, catalog: Catalog, here: Here) -> tuple[Without, ...]:
    """Each unplanned procedure without the site, towards every site that could take over.

    Raises what planning raises, when none of them can be planned.
    """
    plans = [
        made
        for procedure in loaded.runbook.procedures
        if procedure.unplanned
        for made in _plans(loaded, procedure, site, catalog)
    ]
    return tuple(_judged(loaded, made, site, catalog, here) for made in plans)


def faults_of_lost_sites(loaded: Loaded, catalog: Catalog) -> tuple[str, ...]:
    """What lint tells: needed things that are declared to be lost with a site; sorted lines."""
    faults = FaultList()
    if WAIVER in loaded.runbook.waivers:
        return ()
    root = read_document(Path(loaded.inventory_source), FaultList())
    for site in loaded.inventory.sites:
        found: tuple[Without, ...] = ()
        with suppress(DrtoolError):  # what cannot be planned yet wants a parameter
            found = without(loaded, site, catalog, Here())
        for one in found:
            for need in one.needs:
                if need.fatal and not need.on_machine:
                    _tell(one, need, root, faults)
    return faults.lines()


def _tell(one: Without, need: Need, root: Pairs | None, faults: FaultList) -> None:
    mark = mark_at(root, need.place) if root is not None and need.place else None
    told = need.what if need.source else f"{need.what} would be lost: {need.where}"
    hint = f'{need.todo}; or in the runbook waivers: {{{WAIVER}: "why"}}'
    faults.add(need.source or mark or one.source, f"{one.title}: {told}", hint)


def _plans(loaded: Loaded, procedure: Procedure, site: str, catalog: Catalog) -> Iterator[Plan]:
    """To each other site; a procedure that only concerns the lost one has no ``to``."""
    others: list[str | None] = [name for name in loaded.inventory.sites if name != site]
    for taking in [None] if procedure is Procedure.LOSE else others:
        yield plan(
            loaded, procedure, ObservedRoles(), from_site=site, to_site=taking, catalog=catalog
        )


def _judged(loaded: Loaded, made: Plan, site: str, catalog: Catalog, here: Here) -> Without:
    return Without(
        procedure=made.procedure,
        service=made.service,
        site=site,
        to_site=made.direction.to_site,
        needs=needs_without(made, site, catalog, here),
        waiver=loaded.runbook.waivers.get("static_stability", ""),
        source=loaded.runbook.procedures[made.procedure].source,
    )
