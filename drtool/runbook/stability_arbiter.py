"""Where the arbiter of a lease is kept that an unplanned run has to take."""

from __future__ import annotations

from drtool.errors import BadInput
from drtool.lease.arbiter import system_at
from drtool.lease.deciding import deciding_site
from drtool.lease.file import host_of
from drtool.model.plan import Plan
from drtool.model.stability import Kind, Lost, Need, Where
from drtool.runbook.stability_here import Machine
from drtool.safety.whereabouts import Whereabouts


def arbiter_of(plan: Plan, site: str, machine: Machine) -> Need:
    """The arbiter, by what ``lease.at`` says, at the site that decides for this plan."""
    lease = plan.inventory.services[plan.service].lease
    taking = deciding_site(plan.service, plan.direction, plan.inventory) or ""
    if lease.at == "journal":
        where, lost = f"this machine's journal, {machine.where}", machine.lost
        told = "keep it at the side being promoted: lease: {at: postgresql}, or dns"
        return _need(plan, where, lost, told).model_copy(update={"on_machine": True})
    if lease.at == "dynamodb":
        found = _table(plan)
        told = "say sites.SITE.region" if not found.known else f"a table that outlives {site}"
        return _need(plan, f"table in DynamoDB: {found}", found.lost_with(site), told)
    try:
        name = _named(plan, taking)
    except BadInput as error:
        return _need(plan, error.found, Lost.YES, error.hint or error.expected)
    lost = Lost.YES if taking == site else Lost.NO
    return _need(plan, f"{name}, at {taking}", lost, f"--to another than {site}")


def _named(plan: Plan, taking: str) -> str:
    """The arbiter at a site; raises BadInput when there is none."""
    at, inventory = plan.inventory.services[plan.service].lease.at, plan.inventory
    if at == "postgresql":
        return f"PostgreSQL {system_at(plan.service, taking, inventory)}"
    if at == "file":
        return f"a file on host {host_of(plan.service, taking, inventory)}"
    servers = inventory.dns.servers.items() if inventory.dns else ()
    there = [name for name, one in servers if one.site == taking]
    if not there:
        subject = f"lease of {plan.service}"
        raise BadInput(subject, f"no DNS server at {taking}", f"a DNS server at {taking}")
    return f"the record at {', '.join(there)}"


def _table(plan: Plan) -> Where:
    table = plan.inventory.services[plan.service].lease.dynamodb
    if table is None:
        return Where()
    own = table.endpoint_url or f"dynamodb.{table.region}.amazonaws.com"
    return Whereabouts(plan.inventory).of_address(own)


def _need(plan: Plan, where: str, lost: Lost, told: str) -> Need:
    return Need(
        kind=Kind.ARBITER,
        what=f"lease of {plan.service}",
        where=where,
        lost=lost,
        todo="" if lost is Lost.NO else told,
        place=("services", plan.service, "lease"),
    )
