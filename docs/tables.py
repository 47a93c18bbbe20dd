"""Markdown that several generated pages share."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from enum import Enum

NOTE = "<!-- Written by docs/generate.py; change the code, then `make docs`. -->\n\n"
_END = "\n---\n\n"


def noted(page: str) -> str:
    """A page that says who wrote it; below its metadata, which must come first."""
    head, end, rest = page.partition(_END) if page.startswith("---\n") else ("", "", page)
    return f"{head}{end}{NOTE}{rest}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; bars within its cells are kept."""
    columns = tuple(head)
    lines = [columns, ("---",) * len(columns), *rows]
    safe = ([cell.replace("|", "&#124;") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in safe)


def without_empty(head: Iterable[str], rows: Iterable[Iterable[str]], column: str) -> str:
    """The table, without that column where no row has anything in it."""
    names, lines = list(head), [list(row) for row in rows]
    at = names.index(column)
    if not any(line[at] for line in lines):
        names, lines = [*names[:at], *names[at + 1 :]], [[*x[:at], *x[at + 1 :]] for x in lines]
    return table(names, lines)


def value(of: object) -> str:
    """A default as one would write it; empty for none."""
    if of is None or of in ("", (), {}):
        return ""
    if isinstance(of, bool):
        return f"`{of}`".lower()
    if isinstance(of, dict):
        return f"`{json.dumps(of)}`"
    if isinstance(of, tuple):
        return f"`[{', '.join(map(str, of))}]`"
    return f"`{of.value if isinstance(of, Enum) else of}`"


def text(model: type) -> str:
    """What a class says of itself."""
    return inspect.cleandoc(model.__doc__ or "").replace("``", "`")


def one_line(said: str | None) -> str:
    """The same without line breaks."""
    return " ".join((said or "").split())
