"""The lab's status as a person reads it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from drtool.lab.layout import Layout
from drtool.lab.standing import LabStatus, SiteStatus
from drtool.lab.tables import plain_table, show

_GOOD, _BAD, _QUIET = "green", "red", "dim"


def show_status(console: Console, seen: LabStatus) -> None:
    """One table for both sites, then what belongs to none."""
    if not seen.up:
        console.print(f"No lab is up in {seen.home}.")
        console.print("  drtool lab up", style=_QUIET)
        return
    table = plain_table(f"Lab in {seen.home}")
    table.add_column("")
    for name, site in seen.sites.items():
        table.add_column(f"{name}, {site.address}", overflow="fold")
    rows = [_cells(site) for site in seen.sites.values()]
    for label in rows[0]:
        table.add_row(label, *(cells[label] for cells in rows))
    show(console, table)
    console.print()
    for label, text in _beside(seen).items():
        console.print(f"{label:<10}  {text}", soft_wrap=True)


def _cells(site: SiteStatus) -> dict[str, Text]:
    database, power = site.postgresql, site.power
    orders = "" if database.orders is None else f", {database.orders} orders"
    return {
        "power": _word(
            power.on,
            f"on; after a power cut {power.restore_policy}",
            f"off, mains {'there' if power.mains else 'gone'}; {power.restore_policy}",
        ),
        "PostgreSQL": _postgresql(site),
        "": Text(f"port {database.port}{orders}", style=_QUIET),
        "orders": _word(site.orders.answers, site.orders.url),
        "DNS": _word(
            site.dns.answers, f"port {site.dns.port}, orders is at {site.dns.endpoint_address}"
        ),
        "SSH": _word(site.ssh.answers, f"port {site.ssh.port}, user {site.ssh.user}"),
        "controller": _word(power.answers, power.redfish),
    }


def _postgresql(site: SiteStatus) -> Text:
    database = site.postgresql
    style = _GOOD if database.state in {"primary", "standby"} else _BAD
    if database.state == "held back":
        return Text("kept down by its boot guard, as it should be", style="yellow")
    follows = f", follows {database.follows}" if database.follows else ""
    timeline = f", timeline {database.timeline}" if database.timeline is not None else ""
    return Text(f"{database.state}{timeline}{follows}", style=style)


def _word(good: bool | None, text: str, otherwise: str = "no answer") -> Text:
    return Text(text, style=_GOOD) if good else Text(otherwise, style=_BAD)


def _beside(seen: LabStatus) -> dict[str, str]:
    beating = f"process {seen.heartbeat_pid}" if seen.heartbeat_pid else "does not run"
    told = {"Servers": f"{seen.servers} ({seen.servers.choice})"} if seen.servers else {}
    if seen.prefect is not None:
        word = "answers" if seen.prefect.answers else "does not answer"
        told["Prefect"] = f"{word} at {seen.prefect.ui_url}; its secret: {seen.prefect.auth_file}"
    return {
        **told,
        "Heartbeat": beating,
        "Inventory": seen.inventory,
        "Journal": seen.journal,
    }


def show_commands(console: Console, seen: LabStatus) -> None:
    """What to try now."""
    given = f"{seen.runbook} -i $LAB_INVENTORY"
    people = Layout(Path(seen.home)).people.exists()
    if people:
        given += " --key $LAB_PEOPLE/operator"
    lines = [
        'eval "$(drtool lab env)"      # the inventory, and the way to the lab\'s Prefect server',
        "drtool lab status",
        f"drtool plan {seen.runbook} switchover -i $LAB_INVENTORY",
        f"drtool switchover {given}",
        "drtool lab break east",
        f"drtool failover {given} --from east --outage-since 10s",
        "drtool lab mend east",
        "drtool lab button east",
        f"drtool reprotect {given}",
        "drtool lab down",
    ]
    if people:
        lines.insert(6, "drtool approve last consent --service orders --key $LAB_PEOPLE/commander")
        lines.insert(7, "drtool approve last consent --service orders --key $LAB_PEOPLE/deputy")
    console.print("\nTry:")
    for line in lines:
        console.print(f"  {line}", style="cyan", soft_wrap=True, highlight=False)
