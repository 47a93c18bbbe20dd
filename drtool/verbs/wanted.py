"""Which connections a plan needs, and whether the missing ones forbid its start."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from drtool.action import Entry, Facts
from drtool.catalog import Catalog
from drtool.connections.dns import DnsHands, DnsReader, ZoneHands, ZoneReader
from drtool.connections.reach import Reader, Writer
from drtool.errors import AccessDenied, BadInput, DrtoolError
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
    return (*found.values(), *_each_server(plan.inventory, {kind for kind, _ in found}))


def _each_server(inventory: Inventory, kinds: set[type[Reader]]) -> list[Wanted]:
    """The zone's servers one by one: as one they never fail to open, each can be told of."""
    if inventory.dns is None or not any(issubclass(kind, ZoneReader) for kind in kinds):
        return []
    changed = any(issubclass(kind, ZoneHands) for kind in kinds)
    each = DnsHands if changed else DnsReader
    return [Wanted(each, name, spare=True) for name in inventory.dns.servers]


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

    Too few DNS servers, and one that does not take our key, forbid a planned procedure only:
    where the primary is lost, the other site is promoted all the same, and clients are moved when
    a server is back. When none is left that takes our key, that waits until the key is mended.
    """
    for miss in missed:
        if not miss.wanted.spare:
            return _hinted(miss.error, plan, miss.wanted.target)
    dns = plan.inventory.dns
    out = [miss for miss in missed if dns is not None and miss.wanted.target in dns.servers]
    if dns is None or not out:
        return None
    deny = [miss for miss in out if _turned_our_key_away(miss)]
    left = len(dns.servers) - len(out)
    if plan.procedure.unplanned:
        forbids = bool(deny) and left == 0
    else:
        forbids = bool(deny) or left < dns.min_servers
    first = next(iter([*deny, *out]))
    return _hinted(first.error, plan, first.wanted.target) if forbids else None


def _turned_our_key_away(miss: Missed) -> bool:
    return issubclass(miss.wanted.kind, DnsHands) and isinstance(miss.error, AccessDenied)


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
