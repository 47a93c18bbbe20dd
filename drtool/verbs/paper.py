"""The paper runbook: what a human would do, step by step, where drtool itself is broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from drtool.action import Facts
from drtool.bootstrap import build
from drtool.catalog import Catalog
from drtool.connections.ssh_keys import fingerprint, key_blob
from drtool.connections.typed import parted
from drtool.errors import DrtoolError
from drtool.model.inventory import Inventory, Role, Served
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode, Purpose, StepKind
from drtool.model.secret import SecretRef
from drtool.reports.ahead import facts, look_ahead, title
from drtool.reports.paper import Kept, Paper, PaperLine, PaperStep
from drtool.verbs.wanted import entry_of

_PROGRAMS = ("ssh", "psql", "curl", "dig", "nsupdate")


def paper_runbook(plan: Plan) -> Paper:
    """The plan as steps with the commands to type, and what is needed for them."""
    steps = tuple(_steps(plan, build().catalog))
    commands = "\n".join(line.text for step in steps for line in step.lines)
    return Paper(
        title=title(plan),
        facts=(facts(plan), f"{plan.source}; {look_ahead(plan).text()}"),
        printed=datetime.now(UTC),
        unplanned=plan.procedure.unplanned,
        consent=f"Consent to begin, for service {plan.service}" if plan.consent_at_start else "",
        directory=str(Path(plan.inventory_source).parent),
        programs=tuple(word for word in _PROGRAMS if f"{word} " in commands),
        kept=tuple(_kept(plan.inventory, commands)),
        hosts=tuple(_hosts(plan.inventory, commands)),
        steps=steps,
    )


def _steps(plan: Plan, catalog: Catalog) -> Iterator[PaperStep]:
    numbers = {step.name: number for number, step in enumerate(plan.steps, 1)}
    promoted = False
    for number, step in enumerate(plan.steps, 1):
        needs = tuple(numbers[need] for need in step.needs)
        first = step.purpose is Purpose.PROMOTE and not promoted
        promoted = promoted or first
        yield PaperStep(
            number=number,
            name=step.name,
            kind=step.kind,
            what="consent" if step.approval else step.action,
            place=str(step.place or ""),
            budget=step.counted,
            on_failure=step.on_failure,
            only_if=step.when or _rescued(step),
            after=needs if needs not in {(number - 1,), ()} else (),
            no_return=first,
            lines=tuple(
                PaperLine(prompt=prompt, text=text)
                for prompt, text in map(parted, _by_hand(plan, step, catalog))
            ),
        )


def _rescued(step: PlanStep) -> str:
    return f"{' or '.join(step.rescues)} failed" if step.rescues else ""


def _by_hand(plan: Plan, step: PlanStep, catalog: Catalog) -> list[str]:
    if step.kind is StepKind.MANUAL:
        return [step.instructions or "Do it."]
    if step.approval is not None:
        of, inventory = step.approval.of, plan.inventory
        needs = inventory.needed(of, step.approval.count)
        return _consent(of, inventory.roles.get(of), needs)
    entry = entry_of(plan, step, catalog)
    if entry is None:
        given = [f"{key}: {value}" for key, value in step.fields.items()]
        return [f"Do what {step.action} does, with what the steps before have shown:", *given]
    try:
        return entry.by_hand(_facts(plan, step))
    except DrtoolError as error:
        return [f"What to type cannot be said: {error.line()}."]


def _consent(of: str, role: Role | None, needs: int) -> list[str]:
    people = f": {', '.join(role.people)}" if role else ""
    deputies = f"; in their absence {', '.join(role.deputies)}" if role and role.deputies else ""
    many = f", {needs} of them" if needs > 1 else ""
    given = "Consent given by ______________________ at __:__"
    return [f"Ask {of}{people}{deputies}{many}.", *[given] * needs]


def _kept(inventory: Inventory, commands: str) -> Iterator[Kept]:
    """The secrets that the commands ask for or read, each by where it is kept."""
    asked: dict[tuple[str, str], list[str]] = {}
    for what, who, ref in _passwords(inventory, commands):
        asked.setdefault((who, ref.secret), []).append(what)
    for (who, where), places in asked.items():
        yield Kept(what=f"password of {who} ({', '.join(places)})", where=where)
    if inventory.dns is not None and "nsupdate" in commands:
        yield Kept(what=f"TSIG key {inventory.dns.key_name}", where=inventory.dns.key.secret)


def _passwords(inventory: Inventory, commands: str) -> Iterator[tuple[str, str, SecretRef]]:
    for site, at in inventory.sites.items():
        for name, system in at.systems.items():
            place = f"{site}.{name}"
            server = inventory.server(place)
            used = server is None or f"-h {server.address} " in commands
            if isinstance(system, Served) and system.password and used:
                yield place, system.user, system.password
    for name, host in inventory.hosts.items():
        if host.power is not None and host.power.redfish in commands:
            yield f"power of {name}", host.power.user, host.power.password


def _hosts(inventory: Inventory, commands: str) -> Iterable[Kept]:
    """The fingerprints that ssh may ask about."""
    for name, host in inventory.hosts.items():
        if host.ssh is not None and f"{host.ssh.user}@{host.ssh.address}" in commands:
            kind, _, encoded = host.ssh.host_key.partition(" ")
            shown = fingerprint(key_blob(encoded, name))
            yield Kept(what=f"host key of {name} ({kind})", where=shown)


def _facts(plan: Plan, step: PlanStep) -> Facts:
    return Facts(
        run="by-hand",
        step=step.name,
        mode=Mode.TABLETOP,
        procedure=plan.procedure,
        service=plan.service,
        inventory=plan.inventory,
        direction=plan.direction,
        at=step.place,
        objectives=plan.objectives,
        started=datetime.now(UTC),
    )
