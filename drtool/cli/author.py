"""The commands for those who write runbooks: init, schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

Said = str | None
Many = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(init)
    app.command()(schema)


def init(
    directory: Annotated[Path, typer.Argument(help="Where to write; made if need be.")] = Path(),
    service: Annotated[Said, typer.Option(help="The service's name.")] = None,
    kind: Annotated[Said, typer.Option(help="What holds its data: postgresql or none.")] = None,
    strategy: Annotated[
        Said, typer.Option(help="hot-standby, warm-standby, pilot-light ... or none.")
    ] = None,
    site: Annotated[
        Many, typer.Option(help="NAME=ADDRESS, for each site; the home site first.")
    ] = None,
    endpoint: Annotated[Said, typer.Option(help="The DNS name that clients follow.")] = None,
    url: Annotated[Said, typer.Option(help="Where the service is asked.")] = None,
    command: Annotated[Said, typer.Option(help="What brings it up; for strategy none.")] = None,
    host: Annotated[
        Many, typer.Option(help="SITE=ADDRESS or HOST=ADDRESS of a machine; default: its site's.")
    ] = None,
    ssh_user: Annotated[Said, typer.Option(help="Who logs in over SSH.")] = None,
    ssh_port: Annotated[Said, typer.Option(help="The port of the SSH servers.")] = None,
    ssh_key: Annotated[Said, typer.Option(help="Our private key's file; default: ~/.ssh.")] = None,
    host_key: Annotated[
        Many, typer.Option(help="SITE=KEY or HOST=KEY, as ssh-keyscan prints it.")
    ] = None,
    power: Annotated[Many, typer.Option(help="SITE=URL or HOST=URL of a controller.")] = None,
    dns_server: Annotated[Many, typer.Option(help="SITE=ADDRESS of its DNS server.")] = None,
    zone: Annotated[Said, typer.Option(help="The DNS zone; default: the endpoint's.")] = None,
    data_directory: Annotated[Said, typer.Option(help="PostgreSQL's data directory.")] = None,
    rto: Annotated[Said, typer.Option(help="How long it may be away, as 5m.")] = None,
    rpo: Annotated[Said, typer.Option(help="How much may be lost, as 10s.")] = None,
    approver: Annotated[Said, typer.Option(help="Who consents to a failover.")] = None,
    scan_host_keys: Annotated[
        bool, typer.Option("--scan-host-keys", help="Fetch host keys, and ask about each.")
    ] = False,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Ask nothing; take the defaults.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
) -> None:
    """Write a runbook and an inventory for a service of one's own, by questions or by flags."""
    from drtool.cli.asking import Asking

    named = {"host": host, "host_key": host_key, "power": power, "dns_server": dns_server}
    given = {
        name: value
        for name, value in locals().items()
        if isinstance(value, str) and name not in {"named", "directory"}
    }
    if site:
        given["site"] = " ".join(site)
    asking = Asking(directory, given, named, ask=sys.stdin.isatty() and not no_input)
    if not force:
        asking.refuse_to_overwrite()
    asking.questions()
    asking.host_keys(wanted=scan_host_keys)
    asking.write(force=force)


def schema(
    document: Annotated[
        str,
        typer.Argument(
            help="runbook or inventory.", autocompletion=lambda: ["runbook", "inventory"]
        ),
    ] = "runbook",
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
