"""The commands that speak to a run from another terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, Reason, Run

Step = Annotated[
    str,
    typer.Argument(
        help="The step that waits; 'start' for the consent to begin.",
        autocompletion=complete.steps,
    ),
]
Service = Annotated[str, typer.Option("--service", help="The service's name, typed as consent.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(approve)
    app.command()(deny)
    app.command()(state)
    app.command()(abort)
    app.command()(resume)
    app.command()(attach)


def approve(
    run: Run,
    step: Step,
    service: Service,
    reason: Reason = "",
) -> None:
    """Consent to what a waiting run has shown."""
    from drtool.verbs.ask import ask

    typer.echo(ask(run, "approve", step=step, service=service, reason=reason))


def deny(run: Run, step: Step, reason: Reason = "") -> None:
    """Refuse what a waiting run has shown; the run aborts."""
    from drtool.verbs.ask import ask

    typer.echo(ask(run, "deny", step=step, reason=reason))


def state(
    run: Run,
    step: Step,
    reason: Annotated[str, typer.Option("--reason", help="How you know that it cannot write.")],
    service: Service,
) -> None:
    """State as a human that the old primary is fenced; it stands as your word, never as proof."""
    from drtool.verbs.ask import ask

    typer.echo(ask(run, "state", step=step, service=service, reason=reason))


def abort(run: Run, reason: Reason = "") -> None:
    """Ask a run to stop in a named state."""
    from drtool.verbs.ask import ask

    typer.echo(ask(run, "abort", reason=reason))


def resume(run: Run, detach: Annotated[bool, typer.Option("--detach")] = False) -> None:
    """Take up a run whose engine ended before the run did."""
    from drtool.cli.follow import follow
    from drtool.verbs.resume import resume as take_up

    launched = take_up(run)
    if not launched.run:
        typer.echo(launched.text, err=True)
        raise typer.Exit(launched.exit_code)
    if detach:
        typer.echo(f"resumed {launched.run}")
        return
    raise typer.Exit(follow(launched.run, as_json=False, ask=True, engine=launched))


def attach(run: Run, as_json: AsJson = False) -> None:
    """Follow a run; ends with the run's own exit code."""
    from drtool.cli.follow import follow
    from drtool.verbs.records import find

    raise typer.Exit(follow(find(run), as_json=as_json, ask=True))
