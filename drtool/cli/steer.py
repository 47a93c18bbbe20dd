"""The commands that steer a run from another terminal: pause, retry, take back, hand over."""

from __future__ import annotations

from typing import Annotated

import typer

from drtool.cli import complete
from drtool.cli.options import AsJson, Reason, Run

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


def pause(run: Run, reason: Reason = "") -> None:
    """Have a run begin nothing more; what is under way goes to its end."""
    from drtool.verbs.steer import pause

    typer.echo(pause(run, reason).text)


def go_on(run: Run, reason: Reason = "") -> None:
    """Have a paused run go on."""
    from drtool.verbs.steer import go_on

    typer.echo(go_on(run, reason).text)


def retry(run: Run, step: Step, reason: Reason = "") -> None:
    """Try a step again that waits for a decision, or have it look again at once."""
    from drtool.verbs.steer import retry

    typer.echo(retry(run, step, reason).text)


def skip(run: Run, step: Step, reason: Why) -> None:
    """Go on without a step; never without a fence, a promotion or an approval."""
    from drtool.verbs.steer import skip

    typer.echo(skip(run, step, reason).text)


def unwind(run: Run, reason: Why, detach: Detach = False) -> None:
    """Take back what a run did, newest first; never across a promotion."""
    from drtool.verbs.steer import unwind

    steered = unwind(run, reason)
    launched = steered.launched
    if launched is not None and not launched.run:
        typer.echo(launched.text, err=True)
        raise typer.Exit(launched.exit_code)
    typer.echo(steered.text)
    if launched is not None and not detach:
        from drtool.cli.follow import follow

        raise typer.Exit(follow(launched.run, as_json=False, ask=False, engine=launched))


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
    as_json: AsJson = False,
) -> None:
    """Hand a switchover or a failback over to a failover, because its primary has died."""
    from drtool.verbs.escalate import escalate
    from drtool.verbs.launch import said_as_json

    launched = escalate(run, outage_since, reason)
    if not launched.run:
        typer.echo(launched.text, err=True)
        raise typer.Exit(launched.exit_code)
    if detach:
        text = f"run {launched.before} was handed over to failover {launched.run}"
        typer.echo(said_as_json(launched) if as_json else text)
        return
    from drtool.cli.follow import follow

    raise typer.Exit(follow(launched.run, as_json=as_json, ask=True))
