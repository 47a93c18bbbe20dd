"""What Prefect shows of a plan and of a run, besides its steps."""

from __future__ import annotations

from collections.abc import Mapping

from drtool.compiler.message import Begin
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode


def itinerary(plan: Plan, run: str, mode: Mode) -> Begin:
    """The flow's name (Prefect takes no slash in it), tags with their kinds, typed parameters."""
    name = f"{plan.runbook}.{plan.procedure.value}"
    return Begin(
        flow=name,
        run=run,
        artifact=name.replace(".", "-").replace("_", "-"),
        tags=(
            f"service:{plan.service}",
            f"strategy:{plan.strategy.value if plan.strategy else 'none'}",
            f"mode:{mode.value}",
            run_tag(run),
        ),
        parameters={
            "service": plan.service,
            "procedure": plan.procedure.value,
            "mode": mode.value,
            "run": run,
            "from_site": plan.direction.from_site,
            "to_site": plan.direction.to_site,
        },
    )


def run_tag(run: str) -> str:
    """The tag by which a run is found in Prefect."""
    return f"run:{run}"


def upstream(
    steps: Mapping[str, PlanStep], step: PlanStep, drawn: Mapping[str, str]
) -> tuple[str, ...]:
    """The task runs of the steps before this one; one that Prefect never saw stands for its own."""
    found: dict[str, None] = {}
    waiting, met = list(step.needs), set()
    while waiting:
        name = waiting.pop()
        if name in met:
            continue
        met.add(name)
        if name in drawn:
            found[drawn[name]] = None
        elif name in steps:
            waiting.extend(steps[name].needs)
    return tuple(found)
