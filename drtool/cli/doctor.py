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
    without: Annotated[
        str | None,
        typer.Option(
            help="A site: what a failover needs, and which of it would be lost with the site.",
            show_default=False,
            autocompletion=complete.sites,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at this machine, and at all that a runbook or an inventory needs; change nothing."""
    if without is not None:
        _without(runbook, inventory, without, tuple(parameters or ()), as_json=as_json)
    from drtool.cli.diagnosis import looking, show_diagnosis
    from drtool.verbs.doctor.examine import examine

    with looking(quiet=as_json):
        found = examine(runbook, inventory, tuple(parameters or ()))
    typer.echo(found.model_dump_json()) if as_json else show_diagnosis(found)
    raise typer.Exit(found.exit_code)


def _without(
    runbook: Path | None, inventory: Path | None, site: str, said: tuple[str, ...], *, as_json: bool
) -> None:
    from drtool.cli.stability import show_stability
    from drtool.verbs.doctor.without import examine_without

    found = examine_without(runbook, inventory, site, said)
    typer.echo(found.model_dump_json()) if as_json else show_stability(found)
    raise typer.Exit(found.exit_code)
