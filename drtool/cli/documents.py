"""The commands about documents: lint, plan, actions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, FromSite, Inventory, Parameters, Runbook, ToSite


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(lint)
    app.command()(plan)
    app.command()(actions)


def lint(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Runbooks, or directories of them.", autocompletion=complete.documents),
    ],
    inventory: Inventory = None,
    as_json: AsJson = False,
) -> None:
    """Check runbooks and their inventories; tell all faults at once."""
    from drtool.cli import planned
    from drtool.verbs.documents import lint as check

    checked = check(paths, inventory)
    typer.echo(checked.model_dump_json()) if as_json else planned.linted(checked)
    raise typer.Exit(2 if checked.faults else 0)


def plan(
    runbook: Runbook,
    procedure: Annotated[
        str,
        typer.Argument(
            help="failover, switchover, reprotect, failback ...",
            autocompletion=complete.procedures,
        ),
    ],
    inventory: Inventory = None,
    from_site: FromSite = None,
    to_site: ToSite = None,
    parameters: Parameters = None,
    manual: Annotated[
        bool, typer.Option("--manual", help="The paper runbook: what a human would type.")
    ] = False,
    form: Annotated[
        str,
        typer.Option(
            "--format", help="table, json, mermaid or svg.", autocompletion=complete.forms
        ),
    ] = "table",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write to this file; --manual as HTML to .html."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a procedure would do, in order, with its critical path and digest."""
    from drtool.verbs.documents import make_plan, time_limits
    from drtool.verbs.drawing import drawn, form_of
    from drtool.verbs.writing import write

    wanted = form_of("json" if as_json else form, output, manual=manual)
    said = tuple(parameters or ())
    made = make_plan(runbook, procedure, inventory, from_site=from_site, to_site=to_site, said=said)
    if output is not None:
        write(output, drawn(made, wanted))
        typer.echo(f"written: {output}")
    elif wanted == "table":
        from drtool.cli import planned

        planned.plan(made, time_limits(made))
    else:
        typer.echo(drawn(made, wanted), nl=False)


def actions(
    name: Annotated[
        str, typer.Argument(help="One action, to see its fields.", autocompletion=complete.actions)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the actions, checks and notices that runbooks can name."""
    from drtool.cli import planned
    from drtool.verbs.documents import list_actions

    listed = list_actions(name)
    typer.echo(listed.model_dump_json()) if as_json else planned.actions(listed)
