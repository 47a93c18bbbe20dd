"""``drtool server``: drtool's own Prefect server."""

from __future__ import annotations

from typing import Annotated

import typer

from drtool.cli.options import AsJson
from drtool.cli.sections import Sentences

app = typer.Typer(
    cls=Sentences,
    help="drtool's own Prefect server, for schedules and pictures.",
    no_args_is_help=True,
)


@app.command()
def start(
    port: Annotated[
        int, typer.Option("--port", help="A port on loopback; 0 picks a free one.")
    ] = 0,
) -> None:
    """Start the server and warm it; it goes on after this terminal."""
    from drtool.verbs.server import start as bring_up

    status_now = bring_up(port)
    typer.echo(f"Prefect server at {status_now.ui_url} (process {status_now.pid})")


@app.command()
def stop() -> None:
    """Stop the server."""
    from drtool.verbs.server import stop as take_down

    typer.echo("stopped" if take_down() else "no server was running")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say whether the server runs and answers."""
    from drtool.verbs.server import status as look

    found = look()
    typer.echo(found.model_dump_json() if as_json else found.sentence())
    raise typer.Exit(0 if found.answers else 1)
