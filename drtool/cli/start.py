"""The commands that start a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import (
    AsJson,
    BreakGlass,
    FromSite,
    Inventory,
    Key,
    Parameters,
    Runbook,
    ToSite,
)

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Look at the real systems, change nothing.")
]
Drill = Annotated[
    bool, typer.Option("--drill", help="An announced drill: real, and marked as such.")
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="auto, prefect or direct: what carries the steps.",
        autocompletion=complete.engines,
    ),
]
Detach = Annotated[
    bool,
    typer.Option(
        "--detach", help="Start, print the run's id and leave; consent comes by 'drtool approve'."
    ),
]
OutageSince = Annotated[
    str | None,
    typer.Option(
        "--outage-since", help="When the outage began: a time with its zone, 5m for ago, or now."
    ),
]
AcceptLoss = Annotated[
    str | None,
    typer.Option(
        "--accept-data-loss",
        help="Accept losing this much, as in 30s, or any amount: unknown; needs --reason.",
    ),
]
StateFenced = Annotated[
    str | None,
    typer.Option(
        "--state-fenced",
        help="Your word, with its reason, that the old primary cannot write. It is no proof.",
    ),
]
TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="Take the lease by force from a run that still holds it; needs --reason.",
    ),
]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the report.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(failover)
    app.command()(switchover)
    app.command()(failback)
    app.command()(reprotect)


def failover(
    runbook: Runbook,
    inventory: Inventory = None,
    from_site: FromSite = None,
    to_site: ToSite = None,
    outage_since: OutageSince = None,
    dry_run: DryRun = False,
    drill: Drill = False,
    engine: EngineName = "auto",
    detach: Detach = False,
    accept_data_loss: AcceptLoss = None,
    state_fenced: StateFenced = None,
    take_over: TakeOver = False,
    reason: Why = "",
    parameters: Parameters = None,
    key: Key = None,
    break_glass: BreakGlass = False,
    as_json: AsJson = False,
) -> None:
    """Move a service away from a site that is lost."""
    _start("failover", **locals())


def switchover(
    runbook: Runbook,
    inventory: Inventory = None,
    from_site: FromSite = None,
    to_site: ToSite = None,
    dry_run: DryRun = False,
    drill: Drill = False,
    engine: EngineName = "auto",
    detach: Detach = False,
    take_over: TakeOver = False,
    reason: Why = "",
    parameters: Parameters = None,
    key: Key = None,
    break_glass: BreakGlass = False,
    as_json: AsJson = False,
) -> None:
    """Move a service between two healthy sites, losing nothing."""
    _start("switchover", **locals())


def failback(
    runbook: Runbook,
    inventory: Inventory = None,
    from_site: FromSite = None,
    dry_run: DryRun = False,
    drill: Drill = False,
    engine: EngineName = "auto",
    detach: Detach = False,
    take_over: TakeOver = False,
    reason: Why = "",
    parameters: Parameters = None,
    key: Key = None,
    break_glass: BreakGlass = False,
    as_json: AsJson = False,
) -> None:
    """Bring a service home to its preferred site."""
    _start("failback", **locals())


def reprotect(
    runbook: Runbook,
    inventory: Inventory = None,
    from_site: FromSite = None,
    to_site: ToSite = None,
    dry_run: DryRun = False,
    drill: Drill = False,
    engine: EngineName = "auto",
    detach: Detach = False,
    take_over: TakeOver = False,
    reason: Why = "",
    parameters: Parameters = None,
    key: Key = None,
    break_glass: BreakGlass = False,
    as_json: AsJson = False,
) -> None:
    """Set up replication again, from the new primary to the site that was left."""
    _start("reprotect", **locals())


def _start(procedure: str, **given: object) -> None:
    from drtool.verbs.identity import signer_of
    from drtool.verbs.launch import said_as_json
    from drtool.verbs.start import begin, request_of

    request = request_of(procedure, given)
    detach, as_json = bool(given["detach"]), bool(given["as_json"])
    if request.mode.changes_the_world and not detach and not sys.stdin.isatty():
        from drtool.errors import BadInput

        raise BadInput(
            procedure,
            "there is no terminal to ask for consent at",
            hint="add --detach, and consent with: drtool approve RUN STEP --service NAME",
        )
    signer = signer_of(given["key"] if isinstance(given["key"], Path) else None)
    launched = begin(request, None if detach else _prepare_to_follow, signer)
    for warning in launched.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if not launched.run:
        typer.echo(launched.text, err=True)
        raise typer.Exit(launched.exit_code)
    if detach:
        typer.echo(said_as_json(launched) if as_json else f"started {launched.run}")
        return
    from drtool.cli.follow import follow

    asks = request.mode.changes_the_world
    raise typer.Exit(
        follow(launched.run, as_json=as_json, ask=asks, engine=launched, signer=signer)
    )


def _prepare_to_follow() -> None:
    import drtool.cli.follow  # noqa: F401 - imported while the engine starts beside us
