"""The commands for those who write runbooks: schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(schema)


def schema(
    document: Annotated[str, typer.Argument(help="runbook or inventory.")] = "runbook",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file.")
    ] = None,
    vscode: Annotated[
        bool, typer.Option("--vscode", help="Settings for VS Code that name both schemas.")
    ] = False,
) -> None:
    """Print the JSON Schema of runbooks or inventories, for editors."""
    from drtool.verbs.schema import schema_text, vscode_settings
    from drtool.verbs.writing import write

    text = vscode_settings() if vscode else schema_text(document)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write(output, text)
        typer.echo(f"written: {output}")
