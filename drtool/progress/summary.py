"""A run in a page of Markdown, for those who carried it."""

from __future__ import annotations

from drtool.model.event import ReportWritten, Verdict
from drtool.progress.run_state import RunState, StepState
from drtool.units import seconds_text

_NAMES = {"rto": "recovery time", "rpo": "data loss", "downtime": "downtime"}


def as_markdown(state: RunState, report: ReportWritten | None = None) -> str:
    """What the run did, step by step, and where its whole report lies."""
    plan, ended = state.plan, state.ended
    way = " to ".join(site for site in (plan.direction.from_site, plan.direction.to_site) if site)
    lines = [f"# {plan.procedure.value} of {plan.service}, {way}", ""]
    if ended is not None:
        lines += [f"**{ended.outcome.value}**: {ended.world.value}. {ended.reason}".rstrip(), ""]
        lines += [_verdict(verdict) for verdict in ended.verdicts]
    lines += ["", "| step | phase | outcome | time | via |", "|---|---|---|---:|---|"]
    lines += [_row(step) for step in state.steps]
    where = (report.html or report.json_file) if report else ""
    lines += ["", f"Run {state.run}, {state.mode.value}, asked by {state.requester}."]
    lines += [f"The whole report: `{where}`"] if where else []
    return "\n".join(lines) + "\n"


def _row(step: StepState) -> str:
    via = step.via.value if step.via else ""
    took = seconds_text(step.seconds) if step.ended else ""
    return f"| {step.name} | {step.purpose.value} | {step.outcome.value} | {took} | {via} |"


def _verdict(verdict: Verdict) -> str:
    measured = "not measured"
    if verdict.measured_seconds is not None:
        bound = "at most " if verdict.upper_bound else ""
        measured = bound + seconds_text(verdict.measured_seconds)
    limit = f" of {verdict.limit}" if verdict.limit else ""
    said = {True: ": met", False: ": missed", None: ""}[verdict.met]
    return f"- {_NAMES[verdict.objective]} {measured}{limit}{said}"
