"""The paper runbook: what a human would do, step by step, where drtool itself is broken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from drtool.action import Facts
from drtool.bootstrap import build
from drtool.catalog import Catalog
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode, StepKind
from drtool.verbs.wanted import entry_of


def paper_runbook(plan: Plan) -> str:
    """The plan as numbered steps with the commands to type; text that prints well."""
    way = f"{plan.direction.from_site or '-'} to {plan.direction.to_site or '-'}"
    lines = [f"{plan.procedure.value} of {plan.service}, {way}, by hand", ""]
    catalog = build().catalog
    for number, step in enumerate(plan.steps, 1):
        at = f" at {step.place}" if step.place else ""
        lines.append(f"[ ] {number}. {step.name} ({step.purpose.value}{at})")
        lines += [f"       {line}" for line in _by_hand(plan, step, catalog)]
        lines.append("")
    return "\n".join(lines).rstrip()


def _by_hand(plan: Plan, step: PlanStep, catalog: Catalog) -> Iterator[str]:
    if step.kind is StepKind.MANUAL:
        yield step.instructions or "Do it, and confirm it."
    elif step.approval is not None:
        yield f"Get the consent of {step.approval.of}, with their name and the time."
    else:
        entry = entry_of(plan, step, catalog)
        if entry is None:
            yield f"{step.action}: its values are known only from the steps before it."
        else:
            yield from entry.by_hand(_facts(plan, step))
    if step.on_failure.value != "stop":
        yield f"If it fails: {step.on_failure.value}."


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
