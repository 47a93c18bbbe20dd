"""The commands that steer a run from another terminal: pause, retry, take back, hand over."""

from __future__ import annotations

from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, Key, Reason, Run

Step = Annotated[
    str,
    typer.Argument(help="A step of the run.", autocompletion=complete.plan_steps),
]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the report.")]
Detach = Annotated[
    bool, typer.Option("--detach", help="Print what was begun and leave; do not follow it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(pause)
    app.command("continue")(go_on)
    app.command()(retry)
    app.command()(skip)
    app.command()(unwind)
    app.command()(escalate)


def pause(run: Run, reason: Reason = "", key: Key = None, as_json: AsJson = False) -> None:
    """Have a run begin nothing more; what is under way goes to its end."""
    from drtool.verbs.identity import signer_of
    from drtool.verbs.steer import pause, told

    typer.echo(told(pause(run, reason, signer_of(key)), as_json=as_json))


def go_on(run: Run, reason: Reason = "", key: Key = None, as_json: AsJson = False) -> None:
    """Have a paused run go on."""
    from drtool.verbs.identity import signer_of
    from drtool.verbs.steer import go_on, told

    typer.echo(told(go_on(run, reason, signer_of(key)), as_json=as_json))


def retry(
    run: Run, step: Step, reason: Reason = "", key: Key = None, as_json: AsJson = False
) -> None:
    """Try a step again that waits for a decision, or have it look again at once."""
    from drtool.verbs.identity import signer_of
    from drtool.verbs.steer import retry, told

    typer.echo(told(retry(run, step, reason, signer_of(key)), as_json=as_json))


def skip(run: Run, step: Step, reason: Why, key: Key = None, as_json: AsJson = False) -> None:
    """Go on without a step; never without a fence, a promotion or an approval."""
    from drtool.verbs.identity import signer_of
    from drtool.verbs.steer import skip, told

    typer.echo(told(skip(run, step, reason, signer_of(key)), as_json=as_json))


def unwind(
    run: Run, reason: Why, detach: Detach = False, key: Key = None, as_json: AsJson = False
) -> None:
    """Take back what a run did, newest first; never across a promotion."""
    from drtool.verbs.identity import signer_of
    from drtool.verbs.steer import told, unwind

    steered = unwind(run, reason, signer_of(key))
    launched = steered.launched
    if launched is not None and not launched.run:
        typer.echo(launched.text, err=True)
        raise typer.Exit(launched.exit_code)
    follows = launched is not None and not detach
    if not (follows and as_json):
        typer.echo(told(steered, as_json=as_json))
    if launched is not None and follows:
        from drtool.cli.follow import follow

        raise typer.Exit(follow(launched.run, as_json=as_json, ask=False, engine=launched))


def escalate(
    run: Run,
    reason: Reason = "",
    outage_since: Annotated[
        str | None,
        typer.Option(
            "--outage-since",
            help="When the outage began: a time with its zone, 5m for ago, or now.",
        ),
    ] = None,
    detach: Detach = False,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Hand a switchover or a failback over to a failover, because its primary has died."""
    from drtool.verbs.escalate import escalate
    from drtool.verbs.identity import signer_of
    from drtool.verbs.launch import said_as_json

    launched = escalate(run, outage_since, reason, signer_of(key))
    if not launched.run:
        typer.echo(launched.text, err=True)
        raise typer.Exit(launched.exit_code)
    if detach:
        text = f"run {launched.before} was handed over to failover {launched.run}"
        typer.echo(said_as_json(launched) if as_json else text)
        return
    from drtool.cli.follow import follow

    raise typer.Exit(follow(launched.run, as_json=as_json, ask=True))
