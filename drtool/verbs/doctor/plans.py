"""A runbook's procedures, planned in every direction that they could take one day."""

from __future__ import annotations

from datetime import datetime

from drtool.action import Facts
from drtool.catalog import Catalog
from drtool.errors import DrtoolError
from drtool.model.plan import Plan
from drtool.model.purpose import Mode, Procedure
from drtool.runbook.direction import ObservedRoles
from drtool.runbook.load import Loaded
from drtool.runbook.planning import plan
from drtool.verbs.doctor.finding import Area, Finding

_CURE = "drtool plan {runbook} {procedure}"
Ways = list[tuple[str, str]]


def ways_of(procedure: Procedure, sites: list[str], preferred: str) -> Ways:
    """The directions of a procedure, as ``from`` and ``to``; away from the preferred site first."""
    away = [(preferred, other) for other in sites if other != preferred]
    home = [(other, preferred) for other in sites if other != preferred]
    if procedure is Procedure.FAILBACK:
        return home
    return away if procedure is Procedure.REHEARSAL else [*away, *home]


def all_plans(loaded: Loaded, catalog: Catalog) -> tuple[list[Plan], list[Finding]]:
    """Every plan that can be made, and why others cannot; nothing is observed."""
    made: list[Plan] = []
    findings: list[Finding] = []
    runbook, inventory = loaded.runbook, loaded.inventory
    preferred = inventory.services[runbook.service].preferred
    for procedure in runbook.procedures:
        for left, taking in ways_of(procedure, list(inventory.sites), preferred):
            try:
                made.append(
                    plan(
                        loaded,
                        procedure,
                        ObservedRoles(),
                        from_site=left,
                        to_site=taking,
                        catalog=catalog,
                    )
                )
            except DrtoolError as error:
                cure = _CURE.format(runbook=loaded.source, procedure=procedure.value)
                findings.append(Area.DOCUMENTS.told(error, cure))
    return made, list(dict.fromkeys(findings))


def facts_of(plan: Plan, now: datetime) -> Facts:
    """What a dry-run of the plan would know before its first step."""
    return Facts(
        run="doctor",
        mode=Mode.DRY_RUN,
        procedure=plan.procedure,
        service=plan.service,
        inventory=plan.inventory,
        direction=plan.direction,
        objectives=plan.objectives,
        started=now,
    )
