"""What would be lost with a site, in the terminal: what is lost stands last, where the eye ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from drtool.cli.show import console
from drtool.model.stability import Kind, Lost, Need, Without
from drtool.verbs.doctor.without import Stability

_MOST_STEPS = 4


def show_stability(found: Stability) -> None:
    """Each procedure, in groups: what stays, what it can do without, what is not known, lost."""
    out = console()
    for one in found.procedures:
        to = f", to {one.to_site}" if one.to_site else ""
        out.print(Text(f"{one.title[0].upper()}{one.title[1:]}{to}: {one.service}", style="bold"))
        _group(out, "Stays", ("✔", "green"), _of(one, Lost.NO, needed=None))
        _group(out, "Lost with it, or it may be: it goes on without", ("-", "dim"), _spare(one))
        unknown = [need for need in one.needs if _unsaid(need)]
        _group(out, "Nobody has said whether it would be lost", ("?", "yellow"), unknown)
        _group(out, "Needed, and lost with it", ("✘", "bold red"), _of(one, Lost.YES, needed=True))
        out.print()
    if found.absent:
        out.print(Text(f"! not there now: {', '.join(found.absent)}", style="yellow"),
                  soft_wrap=True)  # fmt: skip
    for one in found.procedures:
        out.print(_count(one), soft_wrap=True)


def _of(one: Without, lost: Lost, *, needed: bool | None) -> list[Need]:
    return [
        need
        for need in one.needs
        if need.lost is lost and (needed is None or need.needed is needed)
    ]


def _spare(one: Without) -> list[Need]:
    """What is lost, or may be, and not needed; what somebody should say is told apart."""
    return [
        need
        for need in one.needs
        if not need.needed and need.lost is not Lost.NO and not _unsaid(need)
    ]


def _unsaid(need: Need) -> bool:
    return need.lost is Lost.UNKNOWN and (need.needed or bool(need.todo))


def _group(out: Console, title: str, mark: tuple[str, str], needs: list[Need]) -> None:
    if not needs:
        return
    out.print(Text(f"\n{title}"), style="bold" if mark[0] in "?✘" else "")
    for alike in _alike(needs):
        _line(out, mark, alike)


def _alike(needs: Iterable[Need]) -> Iterator[list[Need]]:
    """The machine that drtool runs on with all that lies on it; then likes beside each other."""
    every = list(needs)
    machine = [need for need in every if _shares(need)]
    if any(need.kind is Kind.MACHINE for need in machine):
        yield sorted(machine, key=lambda need: need.kind is not Kind.MACHINE)
    else:
        yield from _grouped(machine)
    rest = [need for need in every if not _shares(need)]
    yield from _grouped(rest)


def _grouped(needs: list[Need]) -> Iterator[list[Need]]:
    for _, group in groupby(needs, key=lambda need: (need.kind, need.where, need.instead)):
        yield list(group)


def _shares(need: Need) -> bool:
    return need.kind is Kind.MACHINE or need.on_machine


def _line(out: Console, mark: tuple[str, str], alike: list[Need]) -> None:
    first = alike[0]
    about = Text.assemble((_subject(alike), "bold" if mark[0] == "✘" else ""))
    about.append(f": {first.where}")
    if first.fatal and _steps(alike):
        about.append(f"; needed by {_steps(alike)}")
    _marked(out, mark, about)
    lying = [need for need in alike if need.on_machine]
    if lying and not first.on_machine:
        _marked(out, ("", ""), Text(f"on it: {', '.join(_names(lying))}", style="dim"))
    if first.instead and first.lost is not Lost.NO:
        _marked(out, ("", ""), Text(f"instead: {first.instead}", style="dim"))
    for todo in dict.fromkeys(need.todo for need in alike if need.todo):
        # never wrapped by us: it is there to be copied
        out.print(Text.assemble("    ", (todo, "cyan")), soft_wrap=True)


def _marked(out: Console, mark: tuple[str, str], about: Text) -> None:
    sign = Text(f"  {mark[0] or ' '}", style=mark[1])
    if out.is_terminal:
        grid = Table.grid(padding=(0, 1))
        grid.add_row(sign, about)
        out.print(grid)
    else:
        out.print(Text.assemble(sign, " ", about), soft_wrap=True)


def _subject(alike: list[Need]) -> str:
    if alike[0].kind is Kind.MACHINE:
        return alike[0].what
    return ", ".join(_names(alike))


def _names(alike: list[Need]) -> list[str]:
    """The things, documents without their directories, secrets together."""
    secrets = [need.what.removeprefix("secret ") for need in alike if need.kind is Kind.SECRET]
    names = [_name(need) for need in alike if need.kind is not Kind.SECRET]
    told = f"secret{'s' if len(secrets) > 1 else ''} {', '.join(secrets)}"
    return [*dict.fromkeys(names), *([told] if secrets else [])]


def _name(need: Need) -> str:
    if need.kind is Kind.DOCUMENT:
        return need.what.rpartition("/")[2]
    return "the journal" if need.kind is Kind.JOURNAL else need.what


def _steps(alike: list[Need]) -> str:
    steps = list(dict.fromkeys(step for need in alike for step in need.steps))
    more = f" and {len(steps) - _MOST_STEPS} more" if len(steps) > _MOST_STEPS else ""
    return ", ".join(steps[:_MOST_STEPS]) + more


def _count(one: Without) -> Text:
    counted = [need for need in one.needs if not need.on_machine]
    lost = sum(need.fatal for need in counted)
    unknown = sum(map(_unsaid, counted))
    stay = sum(need.lost is Lost.NO for need in counted)
    parts = []
    if lost:
        parts.append(f"{lost} needed thing{'s' if lost > 1 else ''} would be lost")
    if unknown:
        parts.append(f"{unknown} not known")
    sign, style = ("✘", "bold red") if lost else ("!", "yellow") if unknown else ("✔", "green")
    said = Text.assemble((f"{sign} {one.title}: {', '.join([*parts, f'{stay} stay'])}", style))
    if one.waiver:
        said.append(f"   accepted: {one.waiver}", style="dim")
    return said
