"""The commands that show: runs, states, reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, Run

MaybeRun = Annotated[
    str,
    typer.Argument(
        help="A run's id; without it, the services' state.", autocompletion=complete.runs
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(status)
    app.command()(explain)
    app.command()(runs)
    app.command()(report)
    app.command()(heartbeat)


def status(run: MaybeRun = "", as_json: AsJson = False) -> None:
    """Show how a run stands, or what the last runs left of each service."""
    from drtool.cli import overview, show
    from drtool.verbs.frozen import services_now
    from drtool.verbs.records import run_status

    if run:
        standing = run_status(run)
        typer.echo(standing.model_dump_json()) if as_json else show.run(standing)
    else:
        known = services_now()
        typer.echo(known.model_dump_json()) if as_json else overview.services(known)


def explain(run: Run = "last") -> None:
    """Say what state the world is in, why the run stopped, and what may be typed now."""
    from drtool.cli import show
    from drtool.verbs.records import explanation

    show.explanation(explanation(run))


def runs(as_json: AsJson = False) -> None:
    """List the runs, newest first."""
    from drtool.cli import overview
    from drtool.verbs.records import list_runs

    listed = list_runs()
    typer.echo(listed.model_dump_json()) if as_json else overview.runs(listed)


def report(
    run: Run = "last",
    as_json: AsJson = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the HTML report to this file.")
    ] = None,
    approvals: Annotated[
        Path | None,
        typer.Option("--approvals", help="Write what people signed there, for ssh-keygen."),
    ] = None,
) -> None:
    """Show a run's report: objectives, times, what was seen and changed."""
    from drtool.cli.report import show_report
    from drtool.verbs.reporting import report_of

    if approvals is not None:
        from drtool.verbs.approvals import export

        exported = export(run, approvals)
        typer.echo("\n".join((*(f"written: {path}" for path in exported.written), "verify with:")))
        typer.echo("\n".join(f"  {command}" for command in exported.commands))
        return
    made = report_of(run)
    if output is not None:
        made.write_html(output)
        typer.echo(f"written: {output}")
    elif as_json:
        typer.echo(made.as_json())
    else:
        show_report(made.report)


def heartbeat(
    inventory: Annotated[
        Path,
        typer.Argument(help="The inventory's YAML file.", autocompletion=complete.inventories),
    ],
    service: Annotated[
        str, typer.Argument(help="The service's name.", autocompletion=complete.services)
    ],
) -> None:
    """Write the service's heartbeat row at its primary until stopped; run it as a service."""
    from drtool.verbs.heartbeat import beat

    beat(inventory, service)
