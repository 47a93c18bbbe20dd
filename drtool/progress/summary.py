"""A run as a page of Markdown, for those who carried it: Prefect shows it beside the flow."""

from __future__ import annotations

from drtool.progress.run_state import RunState, StepState
from drtool.progress.words import all_words
from drtool.units import seconds_text

_HEAD = ("Step", "Phase", "Outcome", "Time", "Budget", "Ran through", "Why")


def as_markdown(state: RunState) -> str:
    """The run in one page: how it ended, its objectives, its steps, what was warned of."""
    plan = state.plan
    ended = state.ended
    lines = [f"# {plan.service}: {plan.procedure.value}, {state.mode.value}", ""]
    if ended is not None:
        why = f": {_cell(ended.reason)}" if ended.reason else ""
        lines.append(f"**{ended.outcome.value}**, {ended.world.value}{why}")
        judged = (f"{each.subject.capitalize()}: {each.text}" for each in ended.verdicts)
        lines += ["", *(f"- {_cell(line)}" for line in judged)]
    direction = " to ".join(x for x in (plan.direction.from_site, plan.direction.to_site) if x)
    asked = f"Run `{state.run}`, {direction or 'no direction'}, asked for by {state.requester}."
    lines += ["", asked, "", _row(_HEAD), _row(("---",) * len(_HEAD))]
    lines += [_row(_step(step)) for step in state.steps]
    if state.statements:
        said = (
            f"{one.statement.by}, step {one.step}: {one.statement.reason}"
            for one in state.statements
        )
        lines += ["", "## A person's word, no proof", "", *(f"- {_cell(line)}" for line in said)]
    if words := all_words(state):
        lines += ["", "## What people asked of it", "", *(f"- {_cell(line)}" for line in words)]
    if state.warnings:
        lines += ["", "## Warnings", "", *(f"- {_cell(each.text)}" for each in state.warnings)]
    if state.report is not None and state.report.html:
        lines += ["", f"The whole report lies on {state.host}: `{state.report.html}`"]
    return "\n".join(lines) + "\n"


def _step(step: StepState) -> tuple[str, ...]:
    return (
        step.name,
        step.purpose.value,
        step.outcome.value,
        seconds_text(step.seconds) if step.ended else "",
        str(step.plan.budget or ""),
        step.via.value if step.via else "",
        step.reason or step.via_reason,
    )


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """The text as it can stand in a table: on one line, without a bar of its own."""
    return " ".join(text.split()).replace("|", "\\|")
