"""The commands that freeze a service and thaw it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, Key

Service = Annotated[
    str,
    typer.Argument(help="A service of the inventory.", autocompletion=complete.services),
]
Inventory = Annotated[
    Path | None,
    typer.Option(
        "--inventory",
        "-i",
        help="The inventory that names the service; default: inventory.yaml here.",
        autocompletion=complete.inventories,
    ),
]
Why = Annotated[str, typer.Option("--reason", help="Why; everybody who is refused reads it.")]
WhyOver = Annotated[str, typer.Option("--reason", help="Why it is over; it stays with the flag.")]
Until = Annotated[
    str | None,
    typer.Option("--until", help="When it ends by itself: a time with its zone, or 8h from now."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(freeze)
    app.command()(thaw)


def freeze(
    service: Service,
    inventory: Inventory = None,
    reason: Why = "",
    until: Until = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Have every live start on a service refused, wherever it is typed, until it is thawed."""
    from drtool.verbs import freeze as verbs
    from drtool.verbs.identity import signer_of

    made = verbs.freeze(service, inventory, reason, until, signer_of(key))
    if as_json:
        typer.echo(made.model_dump_json())
        return
    told = made.freeze.told() if made.freeze else ""
    kept = [flag.where for flag in made.flags if not flag.trouble]
    typer.echo(f"{service} is {told}; kept at {', '.join(kept)}")
    for trouble in made.troubles:
        typer.echo(f"warning: not kept there: {trouble}", err=True)


def thaw(
    service: Service,
    inventory: Inventory = None,
    reason: WhyOver = "",
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """End the freeze of a service."""
    from drtool.verbs import freeze as verbs
    from drtool.verbs.identity import signer_of

    made = verbs.thaw(service, inventory, reason, signer_of(key))
    typer.echo(made.model_dump_json() if as_json else f"{service} is thawed")
