"""Tables and texts for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console, Group, JustifyMethod
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from drtool.model.event import ConsentAsked
from drtool.model.pulse import Living
from drtool.model.purpose import Outcome
from drtool.model.verdict import Verdict
from drtool.progress.approvals import answer_to
from drtool.progress.explain import Explanation
from drtool.progress.life import life_sentence
from drtool.progress.run_state import RunState
from drtool.units import seconds_text
from drtool.verbs.records import RunStatus, StepLine

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

StepRow = tuple[Text | str, str, Text, Text | str, str, str, str]
READABLE = 110  # how long a line of sentences may be
WIDE = 120  # where the widest table stands in one line for each thing


def console(*, err: bool = False) -> Console:
    """A console for standard output; plain where there is no terminal."""
    made = Console(highlight=False, stderr=err, soft_wrap=False)
    if not made.is_terminal:
        made.width = max(made.width, WIDE)
    return made


def table(
    *columns: str, title: str = "", numbers: tuple[str, ...] = (), whole: tuple[str, ...] = ()
) -> Table:
    """A table in the one look that all of drtool's have.

    Nothing is ever cut: what does not fit is wrapped, except numbers and ``whole`` columns, which
    hold what is copied or what would not be known again in halves.
    """
    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for column in columns:
        right = column in numbers
        unbroken = right or column in whole
        justify: JustifyMethod = "right" if right else "left"
        made.add_column(column, justify=justify, no_wrap=unbroken, overflow="fold")
    return made


def steps_table(out: Console, steps: Iterable[StepRow], last: str) -> Table:
    """A table of steps that ends with a column of sentences.

    A narrow terminal has no room for the phase, a very narrow one neither for budget and vehicle:
    names and sentences come first.
    """
    left_out = {"phase"} if out.width < WIDE - 20 else set()
    left_out |= {"budget", "via"} if out.width < 80 else set()
    names = ("step", "phase", "outcome", "time", "budget", "via", last)
    shown = tuple(name for name in names if name not in left_out)
    made = table(*shown, numbers=("time", "budget"), whole=("step", "phase", "outcome"))
    for step in steps:
        made.add_row(*(cell for name, cell in zip(names, step, strict=True) if name in shown))
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
    gone = standing.life is not None and standing.life.word is Living.GONE
    out.print(steps_table(out, (_step_row(step, gone=gone) for step in standing.steps), "why"))
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


def _step_row(step: StepLine, *, gone: bool) -> StepRow:
    """One step; what an engine that is gone had begun is in doubt."""
    doubtful = gone and step.outcome is Outcome.RUNNING
    return (
        step.name,
        step.purpose.value,
        outcome(Outcome.IN_DOUBT if doubtful else step.outcome),
        seconds_text(step.seconds) if step.outcome.ended else "",
        str(step.budget or ""),
        step.via.value if step.via else "",
        step.reason,
    )


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
    width = min(out.width, READABLE)
    room = width - 6  # within the frame and its padding
    parts: list[Text | Table] = [Text(said.later, style="bold yellow")] if said.later else []
    parts.append(Text(said.world, style="bold"))
    parts += [_hung(out, line, room) for line in said.why.splitlines()]
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
            parts += [_hung(out, f"  {line}", room) for line in lines]
    heading: str | None = said.title
    if len(said.title) > room:  # a frame cuts its title, and with it the run's id
        out.print(Text(said.title), soft_wrap=True)
        heading = None
    out.print(Panel(Group(*parts), title=heading, title_align="left", padding=(1, 2), width=width))
    out.print(Text("You can type, the most likely first", style="bold"))
    for option in said.options:
        # never wrapped: it is there to be copied
        out.print(Text(f"\n  {option.command}", style="bold cyan"), soft_wrap=True)
        out.print(Padding(Text(option.consequence), (0, 0, 0, 6)), width=width)


def _hung(out: Console, line: str, room: int) -> Text:
    """A line whose rest hangs below its beginning, so that one sees where the next one begins."""
    indent = len(line) - len(line.lstrip())
    hang = indent + 2 if indent else 0
    first, *rest = Text(line.strip()).wrap(out, max(room - hang, 20)) or [Text("")]
    hung = Text.assemble(" " * indent, first)
    for one in rest:
        hung.append("\n" + " " * hang)
        hung.append_text(one)
    return hung


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
