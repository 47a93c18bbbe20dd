"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drtool.cli import complete

Runbook = Annotated[
    Path,
    typer.Argument(
        help="The runbook's YAML file.", show_default=False, autocompletion=complete.runbooks
    ),
]
Inventory = Annotated[
    Path | None,
    typer.Option(
        "--inventory",
        "-i",
        help="Use this inventory, not the one the runbook names.",
        autocompletion=complete.inventories,
    ),
]
Run = Annotated[
    str,
    typer.Argument(
        help="A run's id; the beginning is enough, or 'last'.", autocompletion=complete.runs
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
FromSite = Annotated[
    str | None,
    typer.Option("--from", help="The site that is left.", autocompletion=complete.sites),
]
ToSite = Annotated[
    str | None,
    typer.Option("--to", help="The site that takes over.", autocompletion=complete.sites),
]
Parameters = Annotated[
    list[str] | None, typer.Option("--set", help="A parameter of the runbook, as NAME=VALUE.")
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        envvar="DRTOOL_KEY",
        help="The SSH key that proves who you are; default: an agent's, or ~/.ssh.",
    ),
]
BreakGlass = Annotated[
    bool,
    typer.Option(
        "--break-glass",
        help="Put the rules of who may aside, alone and loudly; needs --reason.",
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the report.")]
