"""Judge a runbook against its inventory, and warn of what the two together do not promise."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.catalog import Catalog
from drtool.errors import BadInput
from drtool.model.inventory import Inventory, Served
from drtool.model.plan import Approval
from drtool.model.purpose import Procedure, Purpose, StepKind
from drtool.model.runbook import Each, Ramp, Runbook, Step
from drtool.runbook.blocks import all_entries, all_steps
from drtool.runbook.expansion import Spread
from drtool.runbook.mapping import did_you_mean, one_of
from drtool.runbook.marks import FaultList
from drtool.runbook.places import check_at, default_at
from drtool.runbook.references import NAMES
from drtool.runbook.standing import Order
from drtool.runbook.templates import is_template


def check_against(
    runbook: Runbook, inventory: Inventory, catalog: Catalog, faults: FaultList
) -> None:
    """Note every name of the runbook that the inventory does not have."""
    if runbook.service not in inventory.services and "service" in runbook.sources:
        hint = did_you_mean(runbook.service, inventory.services)
        hint = (
            hint
            or f"the inventory has {one_of(inventory.services) if inventory.services else 'none'}"
        )
        faults.add(
            runbook.sources["service"], f"service {runbook.service} is not in the inventory", hint
        )
    for step in all_steps(runbook):
        named = inventory.roles or inventory.people
        if step.kind is StepKind.APPROVAL and step.approval and named:
            _role(step, step.approval, inventory, faults)
        if step.owner and named:
            _owner(step, step.owner, inventory, faults)
        if step.at and not is_template(step.at):
            _at(step, inventory, catalog, faults)
        if step.uses == "slack.post" and not (inventory.notify and inventory.notify.slack):
            what = f"step {step.name}: slack.post, and the inventory does not speak of Slack"
            faults.add(step.source, what, _SLACK)


_SLACK = 'write in it notify: {slack: {channel: C0123ABCD, token: {secret: "env:SLACK_TOKEN"}}}'


def check_variables(runbook: Runbook, faults: FaultList) -> None:
    """Note every list or ramp whose variable hides a name of the language."""
    for entry in all_entries(runbook):
        if isinstance(entry, Each | Ramp) and entry.variable in {*NAMES, "params", "steps"}:
            what = f"the variable {entry.variable} hides a name that templates have"
            faults.add(entry.source, what, "name it otherwise")


def check_rehearsal(
    steps: list[Spread], inventory: Inventory, service: str, faults: FaultList
) -> None:
    """Note every step of a rehearsal that names a production host or system."""
    found = inventory.services.get(service)
    preferred = found.preferred if found else None
    for spread in steps:
        site = (spread.step.at or "").partition(".")[0]
        if site == preferred:
            what = (
                f"step {spread.step.name}: a rehearsal at {spread.step.at} would reach production"
            )
            faults.add(
                spread.step.place_of("at"), what, "at: to, on a host that bears only the copy"
            )


def warnings_about(
    runbook: Runbook, inventory: Inventory, orders: list[Order], source: str
) -> Iterator[str]:
    """Sentences about what is allowed and yet does not hold in every case."""
    service = inventory.services.get(runbook.service)
    if service and service.lease.at == "journal":
        yield (
            f"{source}: the lease of {runbook.service} is at journal, which covers one machine "
            "only; a second machine could act at the same moment"
        )
    for host, kept in _tidied(runbook.service, inventory):
        yield (
            f"{source}: host {host} keeps the lease of {runbook.service} in {kept}, which systems "
            f"tidy up; hosts.{host}.ssh.state_directory: a directory of its own, as /var/lib/drtool"
        )
    fences = any(
        order.of(Purpose.FENCE) for order in orders if order.procedure is Procedure.FAILOVER
    )
    for site, name in _unguarded(inventory) if fences else ():
        yield (
            f"{source}: {site}.{name} has no boot guard: its fence does not survive a manual "
            "power-on; install the guard and set boot_guard: true"
        )
    asked = [s for s in all_steps(runbook) if s.kind is StepKind.APPROVAL and s.approval]
    if asked and not inventory.roles:
        yield f"{source}: the inventory names nobody under roles; anyone may answer approvals"


def _tidied(service: str, inventory: Inventory) -> Iterator[tuple[str, str]]:
    """Hosts that keep the service's lease, or its freeze, where files that age are removed."""
    kept = inventory.services.get(service)
    if kept is None or "file" not in {kept.lease.at, kept.lease.flag_at}:
        return
    for name, host in inventory.hosts.items():
        named = not kept.lease.hosts or name in kept.lease.hosts
        if named and host.ssh and host.ssh.state_directory.startswith(("/tmp/", "/var/tmp/")):  # noqa: S108
            yield name, host.ssh.state_directory


def _unguarded(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for site, found in inventory.sites.items():
        for name, system in found.systems.items():
            if isinstance(system, Served) and not system.boot_guard:
                yield site, name


def _role(step: Step, asked: Approval, inventory: Inventory, faults: FaultList) -> None:
    role, roles = asked.of, inventory.roles
    if role not in roles:
        hint = did_you_mean(role, roles) or (f"it has {one_of(roles)}" if roles else _ROLES)
        what = f"step {step.name}: role {role} is not in the inventory"
        faults.add(step.place_of("approval.of"), what, hint)
        return
    wanted, able = inventory.needed(role, asked.count), inventory.able(role)
    if wanted > len(able) and asked.count is not None:
        what = f"step {step.name}: wants {wanted} approvals of {role}, and {len(able)} can give one"
        faults.add(step.place_of("approval.count"), what, f"they are {', '.join(able) or 'nobody'}")


_ROLES = "roles: {ROLE: {people: [NAME]}}"


def _owner(step: Step, owner: str, inventory: Inventory, faults: FaultList) -> None:
    members = (name for role in inventory.roles.values() for name in role.members)
    known = tuple(dict.fromkeys((*inventory.roles, *inventory.people, *members)))
    if owner not in known:
        hint = did_you_mean(owner, known) or f"it has {one_of(known)}"
        what = f"step {step.name}: owner {owner} is neither a role nor a person of the inventory"
        faults.add(step.place_of("owner"), what, hint)


def _at(step: Step, inventory: Inventory, catalog: Catalog, faults: FaultList) -> None:
    try:
        entry = None if step.kind is StepKind.MANUAL else catalog.get(step.uses)
    except BadInput:
        return
    astray = check_at(str(default_at(entry, step.at)), entry, inventory)
    if astray:
        faults.add(step.place_of("at"), f"step {step.name}: {astray.reason}", astray.hint)
