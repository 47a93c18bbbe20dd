"""The command that watches runs and services."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, Inventory

Runbooks = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Runbooks whose services' signals are watched; none: only this journal's runs.",
        show_default=False,
        autocompletion=complete.runbooks,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(watch)


def watch(
    runbooks: Runbooks = None,
    inventory: Inventory = None,
    site: Annotated[
        str,
        typer.Option(
            "--site",
            help="The site where this machine stands; default: a place of its own.",
            autocompletion=complete.sites,
        ),
    ] = "here",
    every: Annotated[str, typer.Option("--every", help="The pause between two looks.")] = "5s",
    waiting: Annotated[
        str, typer.Option("--waiting", help="How long a person may be waited for untold.")
    ] = "10m",
    once: Annotated[
        bool, typer.Option("--once", help="Look once and leave; nothing is started.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Watch runs and services until stopped, and tell people; run it as a service.

    With --once the exit code is 1 when there is something that a person should know.
    """
    from drtool.errors import BadInput
    from drtool.units import Duration
    from drtool.verbs.watch.findings import News
    from drtool.verbs.watch.service import WatchOptions
    from drtool.verbs.watch.service import watch as begin
    from drtool.verbs.watch.telling import line_of

    def say(sentence: str) -> None:
        typer.echo(sentence, err=True)

    def show(news: News) -> None:
        if as_json:
            typer.echo(news.model_dump_json())
        else:
            typer.echo(f"{news.at:%Y-%m-%d %H:%M:%S}Z {line_of(news)}")
            for command in news.finding.commands if news.what.value != "over" else ():
                typer.echo(f"  {command}")
        sys.stdout.flush()

    try:
        pause, patience = Duration.parse(every), Duration.parse(waiting)
    except ValueError as error:
        raise BadInput("watch", str(error), hint="--every 5s --waiting 10m") from error
    if not 0 < pause.seconds <= 10:
        raise BadInput("--every", f"{pause}", "more than 0s and at most 10s, or gaps are too long")
    options = WatchOptions(place=site, every=pause, patience=patience, once=once)
    raise typer.Exit(begin(runbooks or [], inventory, options, say, show))
