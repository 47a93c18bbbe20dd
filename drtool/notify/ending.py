"""The last message of a run: how it ended, each step against its budget, what to type now."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.model.purpose import Outcome
from drtool.notify.board import heading, judged, standing, tone, typed
from drtool.notify.card import Card, Part, Small, Table, Text
from drtool.progress.explain import explain
from drtool.progress.run_state import RunState, StepState
from drtool.units import seconds_text

ROWS = 25
_HEAD = ("step", "phase", "outcome", "time", "budget")


def ending(state: RunState) -> Card:
    """A run that has ended."""
    title = f"{heading(state.plan, state.mode)}, {standing(state)}"
    return Card(title, tone(state), tuple(_parts(state)), said=_said(title, state))


def _said(title: str, state: RunState) -> str:
    judged = [each for each in state.ended.verdicts if each.limit] if state.ended else []
    figures = "; ".join(f"{each.subject} {each.measured_text}, {each.word}" for each in judged)
    return f"{title}. {figures}" if figures else title


def _parts(state: RunState) -> Iterator[Part]:
    said = explain(state)
    yield Text(said.world)
    if state.ended is not None:
        yield from judged(state.ended)
    yield Table(tuple(table(state.steps)))
    for option in said.options:
        yield typed(option, state)
    yield Small(f"To be typed on {state.host}. `drtool report {state.run}` has all of the run.")


def table(steps: tuple[StepState, ...]) -> Iterator[str]:
    """The steps in columns; of many, those that did not end well and the last ones."""
    shown = _chosen(steps)
    rows = [_HEAD, *(_row(step) for step in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for name, *others in rows:
        cells = [name.ljust(widths[0])]
        cells += [cell.ljust(width) for cell, width in zip(others[:2], widths[1:3], strict=True)]
        cells += [cell.rjust(width) for cell, width in zip(others[2:], widths[3:], strict=True)]
        yield "  ".join(cells).rstrip()
    if len(shown) < len(steps):
        yield f"and {len(steps) - len(shown)} more steps"


def _chosen(steps: tuple[StepState, ...]) -> tuple[StepState, ...]:
    if len(steps) <= ROWS:
        return steps
    bad = {step.name for step in steps if step.outcome.ended and not step.ended_well}
    wanted = {step.name for step in steps if step.name in bad}
    for step in reversed(steps):
        if len(wanted) < ROWS:
            wanted.add(step.name)
    return tuple(step for step in steps if step.name in wanted)[-ROWS:]


def _row(step: StepState) -> tuple[str, ...]:
    took = step.ended is not None and step.outcome is not Outcome.SKIPPED
    return (
        step.name[:40],
        step.purpose.value,
        "not begun" if step.outcome is Outcome.PENDING else step.outcome.value,
        seconds_text(step.seconds) if took else "",
        str(step.plan.budget or ""),
    )
