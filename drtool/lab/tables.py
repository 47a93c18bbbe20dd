"""Tables with little drawn in them."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text


def show(out: Console, shown: RenderableType) -> None:
    """Print a table without the spaces that fill its lines up."""
    with out.capture() as caught:
        out.print(shown)
    for line in caught.get().splitlines():
        out.file.write(line.rstrip() + "\n")


def plain_table(title: str, *, header: bool = True) -> Table:
    """A table with a title, a line under its head, and nothing else drawn."""
    return Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        show_header=header,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
