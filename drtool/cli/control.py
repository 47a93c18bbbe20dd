"""The commands that speak to a run from another terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, BreakGlass, Key, Reason, Run

Step = Annotated[str, typer.Argument(help="The step that waits.", autocompletion=complete.steps)]
StepOrStart = Annotated[
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
    app.command()(confirm)
    app.command()(deny)
    app.command()(state)
    app.command()(abort)
    app.command()(resume)
    app.command()(attach)


def approve(
    run: Run,
    step: StepOrStart,
    service: Service,
    reason: Reason = "",
    key: Key = None,
    break_glass: BreakGlass = False,
) -> None:
    """Consent to what a waiting run has shown.

    Where the inventory's people have SSH keys, yours signs exactly what was shown.
    """
    from drtool.verbs.answer import Said, answer
    from drtool.verbs.identity import signer_of

    said = Said("approve", step, service, reason, break_glass)
    typer.echo(answer(run, said, signer_of(key)))


def confirm(
    run: Run,
    step: Step,
    evidence: Annotated[
        list[Path] | None,
        typer.Option("--evidence", help="A file that shows it; kept as it is, nothing is masked."),
    ] = None,
    reason: Reason = "",
    key: Key = None,
) -> None:
    """Confirm that work by hand is done, with what shows it."""
    from drtool.verbs.answer import Said, answer
    from drtool.verbs.identity import signer_of

    said = Said("confirm", step, reason=reason, evidence=tuple(evidence or ()))
    typer.echo(answer(run, said, signer_of(key)))


def deny(run: Run, step: StepOrStart, reason: Reason = "", key: Key = None) -> None:
    """Refuse what a waiting run has shown; the run aborts."""
    from drtool.verbs.answer import Said, answer
    from drtool.verbs.identity import signer_of

    typer.echo(answer(run, Said("deny", step, reason=reason), signer_of(key)))


def state(
    run: Run,
    step: Step,
    reason: Annotated[str, typer.Option("--reason", help="How you know that it cannot write.")],
    service: Service,
    key: Key = None,
) -> None:
    """State as a human that the old primary is fenced; it stands as your word, never as proof."""
    from drtool.verbs.ask import ask
    from drtool.verbs.identity import signer_of

    said = ask(run, "state", step=step, service=service, reason=reason, signer=signer_of(key))
    typer.echo(said)


def abort(run: Run, reason: Reason = "") -> None:
    """Ask a run to stop in a named state."""
    from drtool.verbs.ask import ask

    typer.echo(ask(run, "abort", reason=reason))


def resume(
    run: Run,
    detach: Annotated[
        bool, typer.Option("--detach", help="Take it up and leave; do not follow it.")
    ] = False,
) -> None:
    """Take up a run whose engine ended before the run did."""
    from drtool.cli.follow import follow
    from drtool.verbs.resume import resume as take_up

    launched = take_up(run)
    for warning in launched.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if not launched.run:
        typer.echo(launched.text, err=True)
        raise typer.Exit(launched.exit_code)
    if detach:
        typer.echo(f"resumed {launched.run}")
        return
    raise typer.Exit(follow(launched.run, as_json=False, ask=True, engine=launched))


def attach(run: Run, as_json: AsJson = False, key: Key = None) -> None:
    """Follow a run; ends with the run's own exit code."""
    from drtool.cli.follow import follow
    from drtool.verbs.identity import signer_of
    from drtool.verbs.records import find

    raise typer.Exit(follow(find(run), as_json=as_json, ask=True, signer=signer_of(key)))
