"""The lab's status as a person reads it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from drtool.lab.standing import LabStatus, SiteStatus

_GOOD, _BAD, _QUIET = "green", "red", "dim"


def show_status(console: Console, seen: LabStatus) -> None:
    """One table for both sites, then the addresses of what belongs to none."""
    if not seen.up:
        console.print(f"No lab is up in {seen.home}.")
        console.print("  drtool lab up", style=_QUIET)
        return
    table = Table(title=f"Lab in {seen.home}", title_justify="left", expand=False)
    table.add_column("")
    for name, site in seen.sites.items():
        table.add_column(f"{name}  {site.address}", overflow="fold")
    rows = [_cells(site) for site in seen.sites.values()]
    for label in rows[0]:
        table.add_row(label, *(cells[label] for cells in rows))
    console.print(table)
    if seen.prefect is not None:
        word = "answers" if seen.prefect.answers else "does not answer"
        console.print(f"Prefect    {word} at {seen.prefect.ui_url}")
        console.print(f"           its secret: {seen.prefect.auth_file}", style=_QUIET)
    beating = f"process {seen.heartbeat_pid}" if seen.heartbeat_pid else "does not run"
    console.print(f"Heartbeat  {beating}")
    console.print(f"Inventory  {seen.inventory}", soft_wrap=True)
    console.print(f"Journal    {seen.journal}", soft_wrap=True)


def _cells(site: SiteStatus) -> dict[str, Text]:
    database, power = site.postgresql, site.power
    return {
        "power": _word(
            power.on,
            f"on, after a power cut: {power.restore_policy}",
            f"off, mains {'there' if power.mains else 'gone'}, on return: {power.restore_policy}",
        ),
        "postgresql": _postgresql(site),
        "": Text(f"port {database.port}, {database.orders} orders", style=_QUIET)
        if database.orders is not None
        else Text(f"port {database.port}", style=_QUIET),
        "orders": _word(site.orders.answers, site.orders.url),
        "dns": _word(
            site.dns.answers, f"port {site.dns.port}: orders is at {site.dns.endpoint_address}"
        ),
        "ssh": _word(site.ssh.answers, f"port {site.ssh.port}, user {site.ssh.user}"),
        "controller": _word(power.answers, power.redfish),
    }


def _postgresql(site: SiteStatus) -> Text:
    database = site.postgresql
    style = _GOOD if database.state in {"primary", "standby"} else _BAD
    if database.state == "held back":
        return Text("held back by the boot guard", style="yellow")
    follows = f", follows {database.follows}" if database.follows else ""
    timeline = f", timeline {database.timeline}" if database.timeline is not None else ""
    return Text(f"{database.state}{timeline}{follows}", style=style)


def _word(good: bool | None, text: str, otherwise: str = "no answer") -> Text:
    return Text(text, style=_GOOD) if good else Text(otherwise, style=_BAD)


def show_commands(console: Console, seen: LabStatus) -> None:
    """What to try now."""
    inventory, runbook = f"--inventory {seen.inventory}", seen.runbook
    lines = [
        "drtool lab status",
        f"drtool plan {runbook} switchover {inventory}",
        f"drtool switchover {runbook} {inventory}",
        "drtool lab break east",
        f"drtool failover {runbook} {inventory} --from east --outage-since 10s",
        "drtool lab mend east",
        "drtool lab button east",
        f"drtool reprotect {runbook} {inventory}",
        "drtool lab down",
    ]
    console.print("Try:")
    for line in lines:
        console.print(f"  {line}", style="cyan", soft_wrap=True)
    if seen.prefect is not None:
        console.print("So that your own runs go through the lab's Prefect server:")
        console.print(
            f"  export PREFECT_API_URL={seen.prefect.api_url}"
            f' PREFECT_API_AUTH_STRING="$(cat {seen.prefect.auth_file})"',
            style="cyan",
            soft_wrap=True,
        )
