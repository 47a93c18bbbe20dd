"""Lint's faults, plans and actions on the terminal; runs and services need none of it."""

from __future__ import annotations

from pydantic import JsonValue
from rich.console import Console
from rich.text import Text

from drtool.cli.show import WIDE, console, table
from drtool.model.inventory import Inventory
from drtool.model.plan import Plan, PlanStep
from drtool.runbook.limits import TimeLimits
from drtool.verbs.documents import ActionLine, Actions, Checked


def linted(checked: Checked) -> None:
    """What lint found."""
    out, err = console(), console(err=True)
    for fault in checked.faults:
        err.print(Text(fault), soft_wrap=True)
    for warning in checked.warnings:
        out.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)
    good = f"{len(checked.clean)} runbook{'s' if len(checked.clean) != 1 else ''} clean"
    bad = f"{len(checked.faults)} fault{'s' if len(checked.faults) != 1 else ''}"
    if checked.faults:
        err.print(Text(f"{bad}; {good}", style="bold red"))
    else:
        out.print(Text(good, style="green"))


def plan(made: Plan, limits: TimeLimits) -> None:
    """A plan as a table, with its critical path marked, and what of it counts to an objective."""
    out = console()
    way = f"{made.direction.from_site or '-'} to {made.direction.to_site or '-'}"
    out.print(Text(f"{made.procedure.value} of {made.service}, {way}", style="bold"))
    strategy = made.strategy.value if made.strategy else "no strategy"
    out.print(Text(f"runbook {made.runbook} ({strategy})   digest {made.digest[:12]}", style="dim"))
    narrow = out.width < WIDE
    between = ("what",) if narrow else ("phase", "what", "at")
    rows = table("#", "step", *between, "budget", "deadline", *(() if narrow else ("after",)),
                 numbers=("#", "budget", "deadline"),
                 whole=("step",) if out.width >= 80 else ())  # fmt: skip
    path = set(made.critical_path)
    for number, step in enumerate(made.steps, 1):
        name = Text(step.name, style="bold" if step.name in path else "")
        name.append(" *" if step.name in path else "", style="bold cyan")
        what, place = Text(_what(step, made.inventory)), str(step.place or "")
        after = ", ".join(step.needs) if len(step.needs) < 4 else f"{len(step.needs)} steps"
        times = (str(step.budget or ""), str(step.deadline))
        if narrow:  # in two lines, so that no name is cut
            name.append(f"\n{step.purpose.value}", style="dim")
            where = (f"at {place}" if place else "", f"after {after}" if after else "")
            what.append("\n" + ", ".join(filter(None, where)), style="dim")
            rows.add_row(str(number), name, what, *times)
        else:
            rows.add_row(str(number), name, step.purpose.value, what, place, *times, after)
    out.print(rows)
    against = ""
    if limits.allowed is not None:
        against = f"; {limits.objective}: {limits.budgets} of the {limits.allowed} allowed"
    out.print(Text.assemble(("* ", "bold cyan"), f"critical path: {made.expected}{against}"))
    if made.consent_at_start:
        out.print(f"It begins when somebody types the service's name: {made.service}")
    for warning in made.warnings:
        out.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)


def _what(step: PlanStep, inventory: Inventory) -> str:
    if step.approval is not None:
        needs = inventory.needed(step.approval.of, step.approval.count)
        return f"consent of {f'{needs} of ' if needs > 1 else ''}{step.approval.of}"
    return f"{step.action} ({step.kind.value})" if step.kind.value == "check" else step.action


def actions(listed: Actions) -> None:
    """The actions that are installed."""
    out = console()
    if len(listed.actions) == 1:
        _one_action(out, listed.actions[0])
        return
    rows = table("name", "kind", "purpose", "what it does")
    for one in listed.actions:
        rows.add_row(Text(one.name, style="bold"), one.kind.value, one.purpose.value, one.about)
    out.print(rows)
    for line in listed.broken:
        out.print(Text(f"not usable: {line}", style="red"))


def _default(value: JsonValue) -> str:
    """As one writes it; nothing for none, and for an empty text or list."""
    if value in (None, "", "[]", "{}"):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _one_action(out: Console, one: ActionLine) -> None:
    out.print(Text.assemble((one.name, "bold"), f"  {one.kind.value}, for {one.purpose.value}\n"))
    for paragraph in one.text.split("\n\n"):
        # a docstring's own line breaks are not this terminal's
        kept = "\n" in paragraph and any(line[:1] in " -*" for line in paragraph.splitlines())
        out.print(Text(paragraph if kept else " ".join(paragraph.split()) + "\n"))
    rows = table("field", "type", "default", "about")
    for field in one.fields:
        default = "required" if field.required else _default(field.default)
        rows.add_row(Text(field.name, style="bold"), field.type, default, field.about)
    out.print(rows)
