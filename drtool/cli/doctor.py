"""``drtool doctor``: is everything fit for the day of the disaster?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, Inventory, Parameters

MaybeRunbook = Annotated[
    Path | None,
    typer.Argument(
        help="A runbook: look at all that its procedures need.",
        show_default=False,
        autocompletion=complete.runbooks,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(doctor)


def doctor(
    runbook: MaybeRunbook = None,
    inventory: Inventory = None,
    parameters: Parameters = None,
    as_json: AsJson = False,
) -> None:
    """Look at this machine, and at all that a runbook or an inventory needs; change nothing."""
    from drtool.cli.diagnosis import looking, show_diagnosis
    from drtool.verbs.doctor.examine import examine

    with looking(quiet=as_json):
        found = examine(runbook, inventory, tuple(parameters or ()))
    typer.echo(found.model_dump_json()) if as_json else show_diagnosis(found)
    raise typer.Exit(found.exit_code)
