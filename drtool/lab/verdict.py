"""Show a drill's account: what the customers saw, the objectives, whether it passed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from drtool.lab.account import Account, Criterion, criteria
from drtool.lab.runs import Objective, Ran
from drtool.lab.shopping import Outage
from drtool.lab.telling import run_table
from drtool.units import seconds_text

_LISTED = 20
_JUDGED = {"met": "green", "missed": "bold red", "not measured": "yellow"}


def show_account(out: Console, account: Account, journal: Path) -> bool:
    """Print everything; gives whether the drill passed."""
    for ran in account.runs:
        out.print()
        out.print(run_table(ran))
    out.print(_customers(account))
    _list_lost(out, account)
    out.print(_objectives(account))
    judged = criteria(account)
    out.print(_criteria(judged))
    out.print()
    for ran in account.runs:
        out.print(f"Report   {ran.html}", soft_wrap=True)
    out.print(f"Journal  {journal}", soft_wrap=True)
    return all(one.met for one in judged)


def _plain(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)


def _customers(account: Account) -> Table:
    table = _plain("What the customers saw")
    table.add_column("")
    table.add_column("", overflow="fold")
    for outage in account.outages:
        table.add_row("outage began", _clock(outage.began) + _after(outage, account))
        ended = "never" if outage.ended is None else _clock(outage.ended)
        waited = "" if outage.seconds is None else f", after {seconds_text(outage.seconds)}"
        table.add_row("first order accepted", f"{ended}{waited}, {outage.refused} refused")
    if not account.outages:
        table.add_row("outages", "none: not one order was refused")
    table.add_row("orders acknowledged", f"{account.acknowledged}")
    table.add_row("orders refused", f"{account.refused}")
    table.add_row("lost with site east", _count(len(account.lost_with_site)))
    table.add_row("lost afterwards", _count(len(account.lost_later)))
    certain = [moment for moment in account.moments if moment.certain]
    total = sum(moment.seconds for moment in certain)
    table.add_row(
        "two writable primaries",
        Text(f"{len(certain)} moments, {seconds_text(total)}", style="bold red")
        if certain
        else Text("never", style="green"),
    )
    for moment in account.moments:
        if not moment.certain:
            at = f"{' and '.join(moment.sites)} at {_clock(moment.began)}"
            table.add_row("", f"not certain: {at}, within {seconds_text(moment.seconds)}")
    return table


def _after(outage: Outage, account: Account) -> str:
    since = outage.began - account.broken
    return f", {seconds_text(since)} after the power cut" if 0 <= since < 2 else ""


def _count(number: int) -> Text:
    return Text(str(number), style="green" if number == 0 else "yellow")


def _clock(moment: float) -> str:
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _list_lost(out: Console, account: Account) -> None:
    gone = (*account.lost_with_site, *account.lost_later)
    if not gone:
        return
    out.print("[bold]Lost orders[/bold]: acknowledged, and not in the database at the end")
    for order in gone[:_LISTED]:
        out.print(f"  {order.id}  acknowledged {_clock(order.answered)} by {order.site}")
    if len(gone) > _LISTED:
        out.print(f"  and {len(gone) - _LISTED} more")


def _objectives(account: Account) -> Table:
    table = _plain("Objectives")
    for name in ("run", "objective"):
        table.add_column(name, no_wrap=True)
    for name in ("measured", "limit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("of it", overflow="fold")
    for ran in account.runs:
        for objective in ran.report.objectives:
            table.add_row(
                ran.report.procedure.value,
                {"rto": "recovery time", "rpo": "data loss"}.get(
                    objective.objective, objective.objective
                ),
                _measured(objective),
                str(objective.limit) if objective.limit is not None else "",
                Text(objective.judgement, style=_JUDGED.get(objective.judgement, "")),
                objective.note if objective.objective == "rpo" else _parts(ran),
            )
    return table


def _measured(objective: Objective) -> str:
    if objective.measured_seconds is None:
        return "not measured"
    figure = seconds_text(objective.measured_seconds)
    return f"at most {figure}" if objective.upper_bound else figure


def _parts(ran: Ran) -> str:
    return ", ".join(
        f"{part.name} {'not measured' if part.seconds is None else seconds_text(part.seconds)}"
        for part in ran.report.parts
    )


def _criteria(judged: tuple[Criterion, ...]) -> Table:
    passed = all(one.met for one in judged)
    title = Text("The drill passed" if passed else "The drill did not pass")
    title.stylize("bold green" if passed else "bold red")
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify = title, "left"
    table.add_column(width=4)
    table.add_column(overflow="fold")
    for one in judged:
        mark = Text("yes", style="green") if one.met else Text("NO", style="bold red")
        table.add_row(mark, one.text)
    return table
