"""The picture of a run that goes on: steps, elapsed against budget, the RTO burning down."""

from __future__ import annotations

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from drtool.cli.show import outcome, table
from drtool.model.event import Instant
from drtool.model.pulse import Life, Living
from drtool.model.purpose import Outcome
from drtool.progress.approvals import so_far
from drtool.progress.forecast import forecast
from drtool.progress.moments import seconds_between
from drtool.progress.run_state import RunState, StepState
from drtool.progress.words import why_steered
from drtool.units import seconds_text

BAR = 24
NEARLY = 0.8


def picture(state: RunState, now: Instant, life: Life | None = None) -> Group:
    """A run at this moment; ``life`` is how its engine is, where that is known.

    With the engine gone no step runs: each stands as it was left.
    """
    left = state.ended is None and life is not None and life.word is Living.GONE
    cut = state.ended is None and not left
    rows = table("", "step", "phase", "time", "budget", "via", "", numbers=("time", "budget"))
    for step in state.steps:
        rows.add_row(
            _mark(step, left=left),
            step.name,
            step.purpose.value,
            _time(step, state.last if left else now),
            str(step.plan.budget or ""),
            step.via.value if step.via else "",
            Text(step.reason, overflow="ellipsis" if cut else "fold", no_wrap=cut, style="dim"),
        )
    lines: list[Text | Table] = [_head(state, left=left), rows, _burning(state, now, left=left)]
    steered = why_steered(state) if state.ended is None else ""
    lines += [Text(steered, style="bold yellow")] if steered else []
    lines += [Text(f"  drtool continue {state.run}", style="bold")] if state.paused else []
    standing = ((one.asked.step, so_far(one, state)) for one in state.waiting_for)
    lines += [Text(f"? {step}: {said}", style="bold yellow") for step, said in standing if said]
    lines += [Text(f"! BREAK-GLASS: {said}", style="bold red") for said in state.glass_broken]
    told = [one.text for one in state.warnings if not one.text.startswith("BREAK-GLASS")]
    lines += [Text(f"! {text}", style="yellow") for text in told[-3:]]
    return Group(*lines)


def _head(state: RunState, *, left: bool) -> Text:
    way = f"{state.plan.direction.from_site or '-'} to {state.plan.direction.to_site or '-'}"
    which = state.ended.outcome if state.ended else Outcome.RUNNING
    if state.ended is None and (state.waiting_for or state.paused):
        which = Outcome.WAITING
    return Text.assemble(
        (f"{state.plan.procedure.value} of {state.plan.service}", "bold"),
        f", {way}, {state.mode.value}   ",
        Text("engine gone", style="bold red") if left else outcome(which),
        (f"   {state.run}", "dim"),
        ("" if state.engine == "prefect" else f"   engine: {state.engine}", "yellow"),
    )


_MARKS = {
    Outcome.SUCCEEDED: ("✔", "green"),
    Outcome.SKIPPED: ("-", "dim"),
    Outcome.PENDING: ("·", "dim"),
    Outcome.RUNNING: ("▶", "bold cyan"),
    Outcome.WAITING: ("?", "bold yellow"),
    Outcome.IN_DOUBT: ("?", "bold magenta"),
}


def _mark(step: StepState, *, left: bool) -> Text:
    stands = Outcome.IN_DOUBT if left and step.outcome is Outcome.RUNNING else step.outcome
    sign, style = _MARKS.get(stands, ("✘", "bold red"))
    return Text(sign, style=style)


def _time(step: StepState, now: Instant) -> Text:
    if step.started is None:
        return Text("")
    running = step.ended is None
    seconds = now.monotonic - step.started.monotonic if running else step.seconds
    over = step.plan.budget is not None and seconds > step.plan.budget.seconds
    return Text(seconds_text(max(0.0, seconds)), style="bold red" if over else "")


def _burning(state: RunState, now: Instant, *, left: bool) -> Table:
    """The time since the outage against the RTO, and where the run is going to end."""
    grid = Table.grid(padding=(0, 1))
    objectives = state.plan.objectives
    limit = objectives.rto if state.plan.procedure.unplanned else objectives.downtime
    ahead = forecast(state, now)
    used = ahead.elapsed_seconds
    if used is None and state.plan.procedure.unplanned:
        grid.add_row(Text("outage start not known: recovery time is not measured", style="yellow"))
        return grid
    if used is None:
        so_far = seconds_between(state.started, state.ended_at or now)
        word = "so far" if state.ended is None else "in all"
        grid.add_row(Text(f"{seconds_text(max(0.0, so_far))} {word}", style="dim"))
        return grid
    name = "RTO" if state.plan.procedure.unplanned else "downtime"
    if limit is None:
        grid.add_row(Text(f"{seconds_text(used)} so far"))
        return grid
    share = used / limit.seconds if limit.seconds else 1.0
    style = "red" if share > 1 or ahead.rto_at_risk else "yellow" if share > NEARLY else "green"
    said = f"{seconds_text(used)} of {name} {limit}"
    if ahead.recovery_seconds is not None and state.ended is None and not left:
        when = " if it is continued now" if ahead.paused else ""
        said += f", forecast {seconds_text(ahead.recovery_seconds)}{when}"
    risk = Text(f" {name} AT RISK ", style="bold white on red") if ahead.rto_at_risk else Text("")
    bar = ProgressBar(total=1.0, completed=min(1.0, share), width=BAR, complete_style=style)
    grid.add_row(Text(name, style="bold"), bar, Text(said, style=style), risk)
    return grid
