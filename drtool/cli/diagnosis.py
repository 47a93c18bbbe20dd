"""A diagnosis in the terminal: area by area, those with problems last, where the eye ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from drtool.cli.show import console
from drtool.runbook.limits import TimeLimits
from drtool.verbs.doctor.finding import Area, Diagnosis, Finding, State

_MARKS = {
    State.OK: ("✔", "green"),
    State.WARNING: ("!", "yellow"),
    State.PROBLEM: ("✘", "bold red"),
}
_WORST = [State.OK, State.WARNING, State.PROBLEM]


def looking(*, quiet: bool) -> AbstractContextManager[object]:
    """A word while it looks, for whoever sits at a terminal."""
    out = console(err=True)
    if quiet or not out.is_terminal:
        return nullcontext()
    return out.status("looking ...")


def show_diagnosis(found: Diagnosis) -> None:
    """Every area with its findings, each problem with its cure, and the count."""
    out = console()
    areas = [area for area in Area if any(one.area is area for one in found.findings)]
    areas.sort(key=lambda area: max(map(_gravity, _of(area, found))))
    for area in areas:
        if max(map(_gravity, _of(area, found))):
            out.print()
        out.print(Text(f"{area.value[0].upper()}{area.value[1:]}", style="bold"))
        if area is Area.LIMITS and found.limits:
            out.print(Padding(_limits(found.limits), (0, 0, 0, 2)))
            _findings(out, (one for one in _of(area, found) if one.state is not State.OK))
        else:
            _findings(out, _of(area, found))
    out.print()
    out.print(_count(found))


def _of(area: Area, found: Diagnosis) -> list[Finding]:
    """An area's findings, the gravest last."""
    return sorted((one for one in found.findings if one.area is area), key=_gravity)


def _gravity(finding: Finding) -> int:
    return _WORST.index(finding.state)


def _findings(out: Console, findings: Iterable[Finding]) -> None:
    for one in findings:
        sign, style = _MARKS[one.state]
        mark = Text(f"  {sign}", style=style)
        said = Text.assemble((one.subject, "bold" if one.cure else ""), f": {one.found}")
        if one.expected:
            said.append(f"; expected {one.expected}")
        if out.is_terminal:
            grid = Table.grid(padding=(0, 1))
            grid.add_row(mark, said)
            out.print(grid)
        else:
            out.print(Text.assemble(mark, " ", said), soft_wrap=True)
        if one.cure:
            # never wrapped by us: it is there to be copied
            out.print(Text.assemble("      ", (one.cure, "cyan")), soft_wrap=True)


def _limits(limits: Sequence[TimeLimits]) -> Table:
    numbers = ("budgets", "of them people", "worst case by deadlines")
    rows = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    for column in ("procedure", "budgets", "allowed", *numbers[1:]):
        rows.add_column(column, justify="right" if column in numbers else "left", no_wrap=True)
    for one in limits:
        over = one.allowed is not None and one.budgets > one.allowed
        rows.add_row(
            one.procedure.value,
            Text(str(one.budgets), style="bold yellow" if over else ""),
            f"{one.objective} {one.allowed}" if one.allowed else "-",
            str(one.people) if one.people.seconds else "-",
            str(one.worst),
        )
    return rows


def _count(found: Diagnosis) -> Text:
    parts = []
    for state, word in ((State.PROBLEM, "problem"), (State.WARNING, "warning")):
        count = found.count(state)
        if count:
            parts.append(f"{count} {word}{'s' if count > 1 else ''}")
    worst = max(map(_gravity, found.findings), default=0)
    sign, style = _MARKS[_WORST[worst]]
    said = ", ".join([*parts, f"{found.count(State.OK)} well"])
    return Text.assemble((f"{sign} {said}", style), (f"   looked for {found.seconds:.1f} s", "dim"))
