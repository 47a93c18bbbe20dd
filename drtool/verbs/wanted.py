"""Which connections a plan needs, and whether the missing ones forbid its start."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from drtool.action import Entry, Facts
from drtool.catalog import Catalog
from drtool.connections.dns import DnsReader, ZoneReader
from drtool.connections.reach import Reader, Writer
from drtool.errors import BadInput, DrtoolError
from drtool.model.inventory import Inventory
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Procedure, StepKind
from drtool.progress.commands import documents
from drtool.runbook.rendering import RenderContext, render
from drtool.verbs.preflight import Missed, Wanted
from drtool.verbs.request import StartRequest


def facts_before(
    plan: Plan, request: StartRequest, run: str, started: datetime, since: datetime | None
) -> Facts:
    """What is known before the first step."""
    return Facts(
        run=run,
        mode=request.mode,
        procedure=plan.procedure,
        service=plan.service,
        inventory=plan.inventory,
        direction=plan.direction,
        objectives=plan.objectives,
        started=started,
        outage_start=since,
        accepted_loss=request.accepted_loss,
    )


def wanted(plan: Plan, catalog: Catalog, facts: Facts) -> tuple[Wanted, ...]:
    """The connections of all steps, each once; those to a site presumed lost are spare.

    What can change the world is not even connected where nothing shall be changed.
    """
    found: dict[tuple[type[Reader], str], Wanted] = {}
    for step in plan.steps:
        entry = entry_of(plan, step, catalog)
        if entry is None:
            continue
        for kind, target in entry.needs(facts.model_copy(update={"at": step.place})):
            if issubclass(kind, Writer) and not facts.mode.changes_the_world:
                continue
            spare = _spare(plan, target)
            found.setdefault((kind, target), Wanted(kind, target, spare))
    if plan.inventory.dns is not None and any(issubclass(kind, ZoneReader) for kind, _ in found):
        # the zone's servers as one never fail to open; each by itself can be told of
        for name in plan.inventory.dns.servers:
            found.setdefault((DnsReader, name), Wanted(DnsReader, name, spare=True))
    return tuple(found.values())


def entry_of(plan: Plan, step: PlanStep, catalog: Catalog) -> Entry | None:
    """The step's action, if what it needs can be known before the run."""
    if step.kind in {StepKind.APPROVAL, StepKind.MANUAL}:
        return None
    try:
        fields = render(step.fields, RenderContext.at_run(plan, step, {}))
        return catalog.get(step.action).model_validate(fields)
    except (BadInput, ValidationError):
        return None


def _spare(plan: Plan, target: str) -> bool:
    """Whether a target may be dead at the start: a DNS server, or at the site that is lost."""
    inventory = plan.inventory
    if inventory.dns is not None and target in inventory.dns.servers:
        return True
    down = plan.procedure.unplanned or plan.procedure is Procedure.REPROTECT
    lost = plan.direction.from_site if down else None
    return lost is not None and _site_of(inventory, target) == lost


def _site_of(inventory: Inventory, target: str) -> str | None:
    site, dot, _ = target.partition(".")
    if dot and site in inventory.sites:
        return site
    if target in inventory.hosts and inventory.hosts[target].site:
        return inventory.hosts[target].site
    for name, at in inventory.sites.items():
        if any(target in system.hosts for system in at.systems.values()):
            return name
    return None


def reason_not_to_start(plan: Plan, missed: Sequence[Missed]) -> DrtoolError | None:
    """The error that forbids the start: something needed does not answer, or turns us away.

    Too few DNS servers forbid a planned procedure only: where the primary is lost, the other site
    is promoted all the same, and clients are moved when a server is back.
    """
    for miss in missed:
        if not miss.wanted.spare:
            return _hinted(miss.error, plan, miss.wanted.target)
    dns = plan.inventory.dns
    if dns is None or plan.procedure.unplanned:
        return None
    out = {miss.wanted.target: miss.error for miss in missed if miss.wanted.target in dns.servers}
    if out and len(dns.servers) - len(out) < dns.min_servers:
        target, error = next(iter(out.items()))
        return _hinted(error, plan, target)
    return None


def _hinted(error: DrtoolError, plan: Plan, target: str) -> DrtoolError:
    """The error, with what can be done now where it does not say so itself."""
    if error.hint:
        return error
    site, left = _site_of(plan.inventory, target), plan.direction.from_site
    where = plan.inventory_source or "the inventory"
    error.hint = f"nothing was started; bring it up, or correct {target or 'it'} in {where}"
    if site is not None and site == left and not plan.procedure.unplanned:
        words = documents(plan.source, plan.inventory_source, plan.parameters)
        error.hint += f"; if site {site} is lost: drtool failover {shlex.join(words)} --from {site}"
    return error
