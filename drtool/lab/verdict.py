"""Show a drill's account: what the customers saw, the objectives, whether it passed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from drtool.lab.account import Account, Criterion, cause, criteria
from drtool.lab.runs import Objective
from drtool.lab.tables import plain_table, show
from drtool.lab.telling import run_table
from drtool.units import seconds_text

_LISTED = 20
_NAMES = {"rto": "recovery time (RTO)", "rpo": "data loss (RPO)"}
_JUDGED = {"met": "green", "missed": "bold red", "no objective": ""}


def show_account(out: Console, account: Account, journal: Path) -> bool:
    """Print everything; gives whether the drill passed."""
    judged = criteria(account)
    tables = [
        *(run_table(ran) for ran in account.runs),
        _outages(account),
        _customers(account),
        _objectives(account),
        *_parts(account),
        _criteria(judged),
    ]
    for table in tables:
        out.print()
        show(out, table)
    out.print()
    _list_lost(out, account)
    for ran in account.runs:
        out.print(f"Report   {ran.html}", soft_wrap=True)
    out.print(f"Journal  {journal}", soft_wrap=True)
    return all(one.met for one in judged)


def _outages(account: Account) -> Table:
    table = plain_table("Outages, as the customers saw them")
    for name in ("during", "began", "first order accepted"):
        table.add_column(name, no_wrap=True)
    table.add_column("after", justify="right", no_wrap=True)
    table.add_column("refused", justify="right", no_wrap=True)
    for outage in account.outages:
        table.add_row(
            cause(account, outage),
            _clock(outage.began),
            "never" if outage.ended is None else _clock(outage.ended),
            "" if outage.seconds is None else seconds_text(outage.seconds),
            f"{outage.refused} orders",
        )
    if not account.outages:
        table.add_row("none", "", "", "", "")
    return table


def _customers(account: Account) -> Table:
    table = plain_table("Orders and writes", header=False)
    table.add_column("")
    table.add_column("", overflow="fold")
    table.add_row("power cut at", _clock(account.broken) if account.broken else "none")
    table.add_row("orders acknowledged", f"{account.acknowledged}")
    table.add_row("orders refused", f"{account.refused}")
    table.add_row("lost with site east", _count(len(account.lost_with_site)))
    table.add_row("lost afterwards", _count(len(account.lost_later)))
    table.add_row("two writable primaries", _moments(account))
    for moment in account.moments:
        if not moment.certain:
            at = f"{' and '.join(moment.sites)} at {_clock(moment.began)}"
            table.add_row("", f"not certain: {at}, within {seconds_text(moment.seconds)}")
    return table


def _moments(account: Account) -> Text:
    certain = [moment for moment in account.moments if moment.certain]
    if not certain:
        return Text("never", style="green")
    total = seconds_text(sum(moment.seconds for moment in certain))
    return Text(f"{len(certain)} moments, {total}", style="bold red")


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
    out.print()


def _objectives(account: Account) -> Table:
    table = plain_table("Objectives")
    for name in ("run", "objective"):
        table.add_column(name, no_wrap=True)
    for name in ("measured", "limit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("measured by", overflow="fold")
    for ran in account.runs:
        for objective in ran.report.objectives:
            table.add_row(
                ran.report.procedure.value,
                _NAMES.get(objective.objective, objective.objective),
                _measured(objective),
                str(objective.limit) if objective.limit is not None else "",
                Text(objective.judgement, style=_JUDGED.get(objective.judgement, "yellow")),
                objective.note,
            )
    return table


def _measured(objective: Objective) -> str:
    if objective.measured_seconds is None:
        return "not measured"
    figure = seconds_text(objective.measured_seconds)
    return f"at most {figure}" if objective.upper_bound else figure


def _parts(account: Account) -> list[Table]:
    """Where the recovery time of an unplanned run went."""
    tables = []
    for ran in account.runs:
        if ran.report.objective("rto") is None:
            continue
        table = plain_table(f"The recovery time of the {ran.report.procedure.value}, in parts")
        for part in ran.report.parts:
            table.add_column(part.name, justify="right", no_wrap=True)
        table.add_row(
            *(
                "not measured" if part.seconds is None else seconds_text(part.seconds)
                for part in ran.report.parts
            )
        )
        tables.append(table)
    return tables


def _criteria(judged: tuple[Criterion, ...]) -> Table:
    passed = all(one.met for one in judged)
    table = plain_table("The drill passed" if passed else "The drill did not pass", header=False)
    table.title_style = "green" if passed else "red"
    table.add_column("", width=3)
    table.add_column("", overflow="fold")
    for one in judged:
        mark = Text("yes", style="green") if one.met else Text("NO", style="bold red")
        table.add_row(mark, one.text)
    return table
