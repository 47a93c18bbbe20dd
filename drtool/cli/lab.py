"""``drtool lab``: two sites on this machine, of real servers."""

from __future__ import annotations

from typing import Annotated

import typer

from drtool.cli.options import AsJson
from drtool.cli.sections import Sentences

app = typer.Typer(
    cls=Sentences,
    help="Two sites on this machine, of real servers, to practise on.",
    no_args_is_help=True,
)
WhichServers = Annotated[
    str | None,
    typer.Option("--servers", help="embedded (the default), or system: this machine's own."),
]
WhichDns = Annotated[str | None, typer.Option("--dns", help="knot or bind, with --servers system.")]
Site = Annotated[str, typer.Argument(help="east or west.", autocompletion=lambda: ["east", "west"])]


@app.command()
def up(
    servers: WhichServers = None,
    dns: WhichDns = None,
    people: Annotated[
        bool,
        typer.Option("--people", help="With an operator, a commander and a deputy who have keys."),
    ] = False,
) -> None:
    """Bring both sites up, write the inventory, print the commands to try."""
    from drtool.lab import verbs

    verbs.up(servers=servers, dns=dns, people=people)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say what runs where, with everything that an outside judge needs."""
    from drtool.lab import verbs

    verbs.status(as_json=as_json)


@app.command()
def env() -> None:
    """Print shell lines that name the lab's places: eval "$(drtool lab env)"."""
    from drtool.lab.environment import environment

    typer.echo(environment())


@app.command(name="break")
def break_(site: Site) -> None:
    """Cut a site's power: every process of it is killed."""
    from drtool.lab import verbs

    verbs.break_site(site)


@app.command()
def mend(site: Site) -> None:
    """Let mains power return to a site; whether it starts is its power controller's matter."""
    from drtool.lab import verbs

    verbs.mend(site)


@app.command()
def button(site: Site) -> None:
    """Press a site's power button, as somebody in the machine room would."""
    from drtool.lab import verbs

    verbs.button(site)


@app.command()
def down() -> None:
    """End every process of the lab and remove its files."""
    from drtool.lab import verbs

    verbs.down()


@app.command()
def drill(
    servers: WhichServers = None,
    dns: WhichDns = None,
    engine: Annotated[str, typer.Option("--engine", help="auto, prefect or direct.")] = "auto",
    prefect: Annotated[
        str, typer.Option("--prefect", help="run, stop or hang: what Prefect's server does.")
    ] = "run",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the lab up afterwards.")] = False,
) -> None:
    """Lose a site under load, fail over, bring it back, fail back; exit 0 only if all is well."""
    from drtool.lab import verbs

    raise typer.Exit(
        verbs.drill(servers=servers, dns=dns, engine=engine, prefect=prefect, keep=keep)
    )
