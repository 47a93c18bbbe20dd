"""A run's report in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from drtool.cli.show import JUDGED, StepRow, console, outcome, steps_table
from drtool.reports.report import Report
from drtool.reports.values import ConsentLine, StepLine


def show_report(made: Report) -> None:
    """What happened, the objectives, the parts of the recovery time, the steps, what is next."""
    out = console()
    out.print(Text.assemble((made.title, "bold"), f"   {made.run}"))
    out.print(Padding(Text(made.paragraph), (1, 2)))
    _objectives(out, made)
    _steps(out, made)
    for proof in made.proofs:
        shown = proof.proof
        out.print(Text(f"proof ({shown.kind.value}) of {shown.subject}: {shown.evidence}"))
    for asked in made.steered:
        out.print(Text(f"{asked.at:%H:%M:%S}Z {asked.text}", style="yellow"))
    for said in made.statements:
        out.print(Text(f"STATEMENT by {said.by}, no proof: {said.reason}", style="bold yellow"))
    if made.accepted_loss:
        out.print(Text(f"DATA LOSS: {made.accepted_loss}", style="bold yellow"))
    _people(out, made)
    for warning in made.warnings:
        out.print(Text(f"warning: {warning.text}", style="yellow"))
    if made.next:
        out.print(Text("\nNext", style="bold"))
        for line in made.next:
            out.print(Padding(Text(line.text), (0, 0, 0, 2)))
            if line.command:  # never wrapped: it is there to be copied
                out.print(Text(f"    {line.command}", style="bold cyan"), soft_wrap=True)


def _people(out: Console, made: Report) -> None:
    """Who began it, who answered what with which key, and how that is verified."""
    for said_so in made.break_glass:
        out.print(Text(f"BREAK-GLASS: {said_so}", style="bold red"), soft_wrap=True)
    if made.started_by is not None:
        by = made.started_by
        out.print(Text(f"begun by {by.by} with key {by.fingerprint}"), soft_wrap=True)
    for consent in made.consents:
        own = " (self-consented)" if consent.self_consented else ""
        whose = f" by {consent.by}" if consent.by else ""
        answer = f"{consent.decision or 'waits'}{whose}{own}"
        out.print(Text(f"{consent.what} for {consent.step}: {answer}"))
        for line in approval_texts(consent):
            out.print(Text(f"  {line}"), soft_wrap=True)
    if made.verify:
        out.print(Text(f"to verify who signed: {made.verify}"), soft_wrap=True)


def approval_texts(consent: ConsentLine) -> Iterator[str]:
    """Who approved with which key, what is void, what shows that work was done."""
    for one in consent.approvals:
        key = f" with key {one.fingerprint}" if one.fingerprint else ""
        loud = "BREAK-GLASS: " if one.break_glass else ""
        yield f"{loud}{one.decision} by {one.by}{key}"
    if consent.void:
        yield f"VOID: {consent.void}"
    for shown in consent.evidence:
        yield f"evidence {shown.name}, {shown.size} bytes, sha256 {shown.sha256}: {shown.stored}"


def _objectives(out: Console, made: Report) -> None:
    for line in made.objectives:
        style = JUDGED.get(line.judgement, "dim")
        note = f"  ({line.note})" if line.note else ""
        out.print(
            Text.assemble(
                f"{line.name:14}{line.measured_text:>16}  {line.limit_text:16}  ",
                (line.judged, style),
                note,
            )
        )
    parts = [part for part in made.parts if part.seconds is not None]
    if parts:
        out.print(Text(", ".join(f"{part.name} {part.text}" for part in parts), style="dim"))


def _steps(out: Console, made: Report) -> None:
    out.print(steps_table(out, map(_step_row, made.steps), "what came of it"))


def _step_row(step: StepLine) -> StepRow:
    return (
        Text(step.name, style="bold" if step.critical else ""),
        step.purpose.value,
        outcome(step.outcome),
        Text(step.time_text, style="bold red" if step.over_budget else ""),
        str(step.budget or ""),
        step.via.value if step.via else "",
        step.reason or "; ".join(map(str, step.changes)),
    )
