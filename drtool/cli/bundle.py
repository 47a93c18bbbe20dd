"""The command that carries drtool to places without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(bundle)


def bundle(
    runbooks: Annotated[
        list[Path] | None,
        typer.Argument(help="Runbooks, or directories of them.", autocompletion=complete.documents),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The archive to write.")] = Path(
        "drtool-bundle.tar.gz"
    ),
    wheels: Annotated[
        Path | None, typer.Option("--wheels", help="Take wheels from here; download none.")
    ] = None,
    extras: Annotated[
        list[str] | None,
        typer.Option("--extras", help="More extras than the runbooks need, such as lab,slack."),
    ] = None,
    verify: Annotated[
        Path | None, typer.Option("--verify", help="Check this bundle; make none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pack runbooks and drtool itself into one archive that installs without a network."""
    from drtool.errors import BadInput
    from drtool.verbs.bundle import make_bundle, verify_bundle

    if bool(verify) == bool(runbooks):
        raise BadInput("bundle", "wants runbooks to pack, or --verify FILE to check one")
    if verify:
        checked = verify_bundle(verify)
        typer.echo(checked.model_dump_json() if as_json else checked.text())
        return
    asked = tuple(word.strip() for one in extras or () for word in one.split(","))
    made = make_bundle(runbooks or [], output, wheels=wheels, extras=asked)
    typer.echo(made.model_dump_json() if as_json else made.text())
