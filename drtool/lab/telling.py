"""Tell a drill while it goes on: chapters, lines with the time, one table for each run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from drtool.clock import SystemClock, seconds_passed
from drtool.lab.runs import Ran, Step
from drtool.lab.tables import plain_table
from drtool.model.event import (
    ConsentAsked,
    ConsentGiven,
    Event,
    RunEnded,
    RunStarted,
    StepEnded,
    Via,
    Warned,
)
from drtool.model.purpose import Outcome
from drtool.units import brief_text

WIDTH = 100
_INDENT = 10
# As long as the longest step of the runbook, so that outcomes and times stand in columns.
_NAME = 15
_STYLES = {
    Outcome.SUCCEEDED: "green",
    Outcome.SKIPPED: "dim",
    Outcome.REFUSED: "red",
    Outcome.FAILED: "red",
    Outcome.IN_DOUBT: "red",
    Outcome.ABORTED: "yellow",
}


def console() -> Console:
    """The terminal as it is; without one, 100 columns and no colours."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH)


class Teller:
    """Prints a drill's story, each line with the seconds since its start."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self._clock = SystemClock()
        self._began = seconds_passed(self._clock)
        self._chapters = 0

    @property
    def seconds(self) -> float:
        """Since the drill's start."""
        return seconds_passed(self._clock) - self._began

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._chapters += 1
        self.out.print()
        self.out.print(f"[bold]{self._chapters}  {escape(title)}[/bold]")

    def line(self, text: str, style: str = "", at: float | None = None) -> None:
        """Say one thing that has happened, now or ``at`` a monotonic time of an event."""
        seconds = self.seconds if at is None else at - self._began
        room = max(40, self.out.width - _INDENT)
        told = [part for line in text.split("\n") for part in textwrap.wrap(line, room) or [""]]
        said = Text(f"{seconds:6.1f} s  ", style="dim")
        said.append(told[0], style=style or "default")
        for more in told[1:]:
            said.append(f"\n{'':{_INDENT}}{more}", style=style or "default")
        self.out.print(said, soft_wrap=True)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something is waited for; nothing without a terminal."""
        with self.out.status(f"{escape(text)} ..."):
            yield

    def hear(self, event: Event) -> None:
        """Say what an event means, with the time at which it happened."""
        told = _told(event)
        if told is not None:
            self.line(told[0], told[1], event.at.monotonic)


def _told(event: Event) -> tuple[str, str] | None:
    """The sentence for an event and its style; None for what need not be told."""
    match event.body:
        case RunStarted() as body:
            note = f": {body.engine_note}" if body.engine_note else ""
            return f"run {event.run}, engine {body.engine}{note}", "cyan"
        case StepEnded() as body:
            return _step(body), _STYLES.get(body.outcome, "")
        case RunEnded() as body:
            why = f": {body.reason}" if body.reason else ""
            hint = f"\nhint: {body.hint}" if body.hint else ""
            style = "bold green" if body.exit_code == 0 else "bold red"
            return f"{body.outcome.value}, {body.world.value}{why}{hint}", style
        case _:
            said = _person(event)
            return (said, "yellow") if said else None


def _person(event: Event) -> str:
    """What concerns a person; empty for everything else."""
    match event.body:
        case ConsentAsked() as body:
            whose = f" of {body.of}" if body.of else ""
            return f"{body.step:<{_NAME}}  waits for the consent{whose}"
        case ConsentGiven() as body:
            return f"{body.step:<{_NAME}}  {body.decision} by {body.by}"
        case Warned() as body:
            return f"warning: {body.text}"
    return ""


def _step(body: StepEnded) -> str:
    notes = [
        "" if body.via is Via.PREFECT else "direct",
        *(f"proof by {proof.kind.value}" for proof in body.proofs),
        body.reason,
    ]
    told = f"{body.step:<{_NAME}}  {body.outcome.value:<9}  {brief_text(body.seconds):>7}"
    return "  ".join([told, ", ".join(note for note in notes if note)]).rstrip()


def run_table(ran: Ran) -> Table:
    """One run: step, phase, outcome, time, budget, through Prefect or direct."""
    report = ran.report
    way = " to ".join(site for site in (report.from_site, report.to_site) if site)
    table = plain_table(f"{report.procedure.value}, {way}: {report.run}")
    for name in ("step", "phase", "outcome"):
        table.add_column(name, no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("budget", justify="right", no_wrap=True)
    table.add_column("through", no_wrap=True)
    for step in report.steps:
        table.add_row(
            step.name,
            step.purpose.value,
            Text(step.outcome.value, style=_STYLES.get(step.outcome, "")),
            _time(step),
            str(step.budget) if step.budget is not None else "",
            step.via.value if step.via is not None else "",
        )
    return table


def _time(step: Step) -> Text:
    if step.seconds is None:
        return Text("")
    over = step.budget is not None and step.seconds > step.budget.seconds
    return Text(brief_text(step.seconds), style="yellow" if over else "")
