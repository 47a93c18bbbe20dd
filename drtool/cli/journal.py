"""The commands about the journal itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli.options import AsJson
from drtool.cli.sections import Sentences
from drtool.errors import JournalUnusable

app = typer.Typer(
    cls=Sentences, help="Show that the journal is what was written.", no_args_is_help=True
)


@app.command()
def head(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the head to this file.")
    ] = None,
) -> None:
    """Print the journal's head, to be kept where nobody who can write here can write."""
    from drtool.verbs.journal import head as head_of

    found = head_of()
    if output is None:
        typer.echo(found.text(), nl=False)
        return
    found.write(output)
    typer.echo(f"written: {output}")


@app.command()
def verify(
    heads: Annotated[
        list[Path] | None,
        typer.Option("--head", help="Compare with the head in this file, or in a report's JSON."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry against chain, anchor, reports and exported heads; 7 when one differs."""
    from drtool.verbs.journal import verify as compare

    found = compare(tuple(heads or ()))
    typer.echo(found.model_dump_json() if as_json else found.text(), err=bool(found.faults))
    if found.faults:
        raise typer.Exit(JournalUnusable.exit_code)
