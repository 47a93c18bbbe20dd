"""Tables and texts for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from drtool.model.event import ConsentAsked
from drtool.model.purpose import Outcome
from drtool.model.verdict import Verdict
from drtool.progress.approvals import answer_to
from drtool.progress.explain import Explanation
from drtool.progress.life import life_sentence
from drtool.progress.run_state import RunState
from drtool.units import seconds_text
from drtool.verbs.records import RunStatus

STYLES = {
    Outcome.SUCCEEDED: "green",
    Outcome.SKIPPED: "dim",
    Outcome.PENDING: "dim",
    Outcome.RUNNING: "bold cyan",
    Outcome.WAITING: "bold yellow",
    Outcome.REFUSED: "bold red",
    Outcome.FAILED: "bold red",
    Outcome.IN_DOUBT: "bold magenta",
    Outcome.ABORTED: "yellow",
    Outcome.UNWOUND: "yellow",
    Outcome.HANDED_OVER: "cyan",
}


def console(*, err: bool = False) -> Console:
    """A console for standard output; plain where there is no terminal."""
    made = Console(highlight=False, stderr=err, soft_wrap=False)
    if not made.is_terminal:
        made.width = max(made.width, 110)
    return made


def table(*columns: str, title: str = "", numbers: tuple[str, ...] = ()) -> Table:
    """A table in the one look that all of drtool's have."""
    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for column in columns:
        right = column in numbers
        made.add_column(column, justify="right" if right else "left", no_wrap=right)
    return made


def outcome(which: Outcome) -> Text:
    """An outcome in its colour."""
    return Text(which.value, style=STYLES[which])


def run(standing: RunStatus) -> None:
    """One run."""
    out = console()
    head = Text.assemble(
        (standing.run, "bold"),
        f"  {standing.procedure.value} of {standing.service} ({standing.mode.value})  ",
        outcome(standing.outcome),
    )
    out.print(head)
    out.print(f"state of the world: {standing.world.value}")
    rows = table("step", "phase", "outcome", "time", "budget", "via", "why",
                 numbers=("time", "budget"))  # fmt: skip
    for step in standing.steps:
        rows.add_row(
            step.name,
            step.purpose.value,
            outcome(step.outcome),
            seconds_text(step.seconds) if step.outcome.ended else "",
            str(step.budget or ""),
            step.via.value if step.via else "",
            step.reason,
        )
    out.print(rows)
    for waiting in standing.waiting:
        out.print(Text(f"step {waiting.step} waits: {waiting.text}", style="bold yellow"))
        if waiting.standing:
            out.print(Text(f"  {waiting.standing}", style="yellow"), soft_wrap=True)
        typed = answer_to(standing.run, waiting.step, waiting.what, standing.service)
        out.print(f"  {typed}", soft_wrap=True)
    for line in standing.break_glass:
        out.print(Text(f"BREAK-GLASS: {line}", style="bold red"), soft_wrap=True)
    _steered(out, standing)
    if standing.life is not None and not standing.life.well:
        said = life_sentence(standing.life, standing.run)
        out.print(Text(said, style="bold red"), soft_wrap=True)


def _steered(out: Console, standing: RunStatus) -> None:
    """That a person holds the run up or sent it elsewhere, and what goes on from there."""
    if standing.steered:
        out.print(Text(standing.steered, style="bold yellow"), soft_wrap=True)
    if standing.goes_on_with:
        out.print(f"  {standing.goes_on_with}")
    if standing.heir:
        out.print(f"handed over to run {standing.heir}:\n  drtool attach {standing.heir}")
    if standing.escalates:
        out.print(f"took over run {standing.escalates}:\n  drtool explain {standing.escalates}")


def explanation(said: Explanation) -> None:
    """The screen for three in the morning."""
    out = console()
    parts: list[Text | Table] = [Text(said.world, style="bold"), Text(said.why)]
    if said.accepted:
        parts.append(Text(said.accepted, style="bold yellow"))
    parts += [Text(line, style="bold red") for line in said.broken]
    for title, lines in (
        ("Done", said.done),
        ("In doubt", said.in_doubt),
        ("Not done", said.not_done),
    ):
        if lines:
            parts.append(Text(f"\n{title}", style="bold"))
            parts += [Text(f"  {line}") for line in lines]
    out.print(Panel(Group(*parts), title=said.title, title_align="left", padding=(1, 2)))
    out.print(Text("You can type, the most likely first", style="bold"))
    for option in said.options:
        # never wrapped: it is there to be copied
        out.print(Text(f"\n  {option.command}", style="bold cyan"), soft_wrap=True)
        out.print(Padding(Text(option.consequence), (0, 0, 0, 6)))


def question(asked: ConsentAsked, service: str, standing: str = "") -> None:
    """What a person is asked to consent to."""
    out = console()
    parts: list[Text | Table] = [Text(asked.text or f"Step {asked.step} waits for you.")]
    if asked.changes:
        rows = table("what", "now", "afterwards")
        for change in asked.changes:
            rows.add_row(change.subject, change.before, Text(change.after, style="bold"))
        parts.append(rows)
    if asked.of and not standing:
        parts.append(Text(f"asked of: {asked.of}", style="dim"))
    if standing:
        parts.append(Text(standing, style="bold yellow"))
    title = f"consent for {asked.step}, service {service}"
    out.print(Panel(Group(*parts), title=title, title_align="left", border_style="yellow"))


def ending(state: RunState) -> None:
    """How a run ended: outcome, world, objectives, where the report lies."""
    out = console()
    ended = state.ended
    if ended is None:
        return
    out.print(Text.assemble(outcome(ended.outcome), f": {ended.world.value}"))
    for verdict in ended.verdicts:
        out.print(verdict_line(verdict))
    if ended.reason and ended.outcome is not Outcome.SUCCEEDED:
        out.print(Text(ended.reason), soft_wrap=True)
    if ended.hint:
        out.print(Text(f"  hint: {ended.hint}"), soft_wrap=True)
    if state.report is not None and state.report.html:
        out.print(Text(f"report: {state.report.html}", style="dim"), soft_wrap=True)
    elif state.report is not None and state.report.trouble:
        out.print(Text(f"no report: {state.report.trouble}", style="yellow"), soft_wrap=True)


def verdict_line(verdict: Verdict) -> Text:
    """One objective: its figure, and how it was judged."""
    return Text(f"{verdict.subject}: {verdict.text}", style=JUDGED.get(verdict.word, ""))


JUDGED = {
    "met": "green",
    "missed": "bold red",
    "accepted": "bold yellow",
    "not measured": "yellow",
    "not judged": "yellow",
}
