"""``drtool notify``: whether people can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson
from drtool.cli.sections import Sentences

app = typer.Typer(cls=Sentences, help="How people are told of runs.", no_args_is_help=True)


@app.callback()
def _notify() -> None:
    """How people are told of runs."""


@app.command("test")
def try_ways(
    inventory: Annotated[
        Path,
        typer.Argument(
            help="The inventory.", show_default=False, autocompletion=complete.inventories
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Send a test message through every way; the exit code is 0 when all of them arrived."""
    from drtool.verbs.notify import trial

    made = trial(inventory)
    if as_json:
        typer.echo(made.model_dump_json())
    else:
        for way in made.ways:
            typer.echo(f"{way.way}: {way.text}", err=not way.arrived)
            if way.hint:
                typer.echo(f"  hint: {way.hint}", err=not way.arrived)
    raise typer.Exit(made.exit_code)
