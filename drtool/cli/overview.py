"""Tables of all runs and of all services, with what is wrong of their engines."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.text import Text

from drtool.cli.show import WIDE, console, outcome, table
from drtool.journal.summary import RunSummary
from drtool.model.pulse import Life
from drtool.progress.life import life_sentence, life_title
from drtool.units import seconds_text
from drtool.verbs.records import Runs, Services, ServiceStanding


def runs(listed: Runs) -> None:
    """The runs, newest first."""
    out = console()
    if not listed.runs:
        out.print("no runs yet")
        return
    narrow = out.width < WIDE
    columns = (
        ("run", "what") if narrow else ("run", "service", "procedure", "mode", "way", "started")
    )
    rows = table(*columns, "took", "outcome", numbers=("took",),
                 whole=("run", "service", "procedure", "mode", "started"))  # fmt: skip
    for one in listed.runs:
        took = (one.ended.wall - one.started.wall).total_seconds() if one.ended else None
        way = f"{one.from_site or '-'} to {one.to_site or '-'}"
        started = f"{one.started.wall:%Y-%m-%d %H:%M:%S}Z"
        what: tuple[str, ...] = (one.service, one.procedure.value, one.mode.value, way, started)
        if narrow:  # the id begins with the time
            what = (f"{one.procedure.value} of {one.service}, {way}, {one.mode.value}",)
        rows.add_row(
            one.run,
            *what,
            seconds_text(took) if took is not None else "",
            _stands(one),
        )
    out.print(rows)
    for one in listed.runs:
        if one.life is not None and not one.life.well:
            said = f"{one.run}: {life_sentence(one.life, one.run)}"
            out.print(Text(said, style="bold red"), soft_wrap=True)


def _stands(one: RunSummary) -> Text:
    """How a run stands; who put the rules of who may aside is never hidden."""
    stands = outcome(one.outcome) if one.outcome else _goes_on(one.life)
    return Text.assemble(stands, (" BREAK-GLASS", "bold red")) if one.break_glass else stands


def _goes_on(life: Life | None) -> Text:
    if life is None or life.well:
        return Text("not ended", style="bold cyan")
    return Text(life_title(life), style="bold red")


def services(known: Services) -> None:
    """What the last runs left of each service."""
    out = console()
    if not known.services:
        out.print("no runs yet")
        return
    narrow = out.width < 80
    last = ("last run",) if narrow else ("last run", "procedure")
    rows = table("service", *last, "state of the world", "protection", whole=last)
    for one in known.services:
        what = one.last.procedure.value
        rows.add_row(
            one.service,
            *((f"{one.last.run}\n{what}",) if narrow else (one.last.run, what)),
            one.last.world.value if one.last.world else _world_now(one.last.life),
            _protection(one),
        )
    out.print(rows)
    for one in known.services:
        if one.last.life is not None and not one.last.life.well:
            said = f"run {one.last.run}: {life_sentence(one.last.life, one.last.run)}"
            out.print(Text(said, style="bold red"), soft_wrap=True)
        if one.last.break_glass:
            said = f"BREAK-GLASS in run {one.last.run}: drtool explain {one.last.run}"
            out.print(Text(said, style="bold red"), soft_wrap=True)
        if one.frozen:
            out.print(Text(f"{one.service} is {one.frozen}", style="bold red"), soft_wrap=True)
            out.print(Text(f"  {one.thaw}", style="bold cyan"), soft_wrap=True)
        if one.doubtful:
            said = f"whether {one.service} has a standby is not known after run {one.doubtful}:"
            out.print(said, soft_wrap=True)
            out.print(Text(f"  drtool explain {one.doubtful}", style="bold cyan"), soft_wrap=True)
        if one.reprotect and one.last.ended is None:
            out.print(f"run {one.last.run} goes on: drtool attach {one.last.run}", soft_wrap=True)
        elif one.reprotect:
            out.print(f"protect {one.service} again:")
            out.print(Text(f"  {one.reprotect}", style="bold cyan"), soft_wrap=True)


def _world_now(life: Life | None) -> Text:
    if life is None or life.well:
        return Text("a run goes on")
    return Text(life_title(life), style="bold red")


def _protection(one: ServiceStanding) -> Text:
    if one.unprotected_since is None:
        if one.last.ended is None:
            return Text("not known until that run is over", style="yellow")
        return Text("protected, by what the runs say", style="green")
    if one.doubtful:
        return Text("not known: count it as unprotected", style="bold red")
    ago = seconds_text((datetime.now(UTC) - one.unprotected_since).total_seconds())
    return Text(f"unprotected for {ago}", style="bold red")
