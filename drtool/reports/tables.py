"""A report as tables of plain text; whoever prints them chooses how."""

from __future__ import annotations

from typing import Literal

from drtool.model.event import Via
from drtool.model.purpose import Outcome
from drtool.model.value import Value
from drtool.reports.values import Report, StepLine

Tone = Literal["", "good", "bad", "warn", "soft"]


class Cell(Value):
    """A text, and how it is meant."""

    text: str
    tone: Tone = ""


class TextTable(Value):
    """A table with its title and the heads of its columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def text_tables(report: Report) -> tuple[TextTable, ...]:
    """Steps, objectives, parts of the recovery time and decisions; without empty tables."""
    tables = (_steps(report), _objectives(report), _parts(report), _people(report))
    return tuple(table for table in tables if table.rows)


def _steps(report: Report) -> TextTable:
    return TextTable(
        title=report.title,
        columns=("step", "phase", "outcome", "time", "budget", "through"),
        rows=tuple(
            (
                Cell(text=step.name),
                Cell(text=step.purpose.value, tone="soft"),
                Cell(text=step.outcome.value, tone=_outcome(step.outcome)),
                Cell(text=step.time_text, tone="bad" if step.over_budget else ""),
                Cell(text=str(step.budget) if step.budget is not None else "", tone="soft"),
                _through(step),
            )
            for step in report.steps
        ),
    )


def _through(step: StepLine) -> Cell:
    if step.via is None:
        return Cell(text="")
    reason = f": {step.via_reason}" if step.via_reason else ""
    return Cell(text=step.via.value + reason, tone="" if step.via is Via.PREFECT else "warn")


def _outcome(outcome: Outcome) -> Tone:
    if outcome is Outcome.SUCCEEDED:
        return "good"
    if outcome in {Outcome.PENDING, Outcome.SKIPPED}:
        return "soft"
    return "bad" if outcome.ended else "warn"


def _objectives(report: Report) -> TextTable:
    tones: dict[str, Tone] = {"met": "good", "missed": "bad", "not measured": "warn"}
    return TextTable(
        title="Objectives",
        columns=("objective", "measured", "limit", "judgement", "note"),
        rows=tuple(
            (
                Cell(text=line.name.lower()),
                Cell(text=line.measured_text),
                Cell(text=str(line.limit) if line.limit is not None else "none"),
                Cell(text=line.judgement, tone=tones.get(line.judgement, "")),
                Cell(text=line.note, tone="soft"),
            )
            for line in report.objectives
        ),
    )


def _parts(report: Report) -> TextTable:
    return TextTable(
        title="Parts of the recovery time",
        columns=("part", "time", "what it is"),
        rows=tuple(
            (
                Cell(text=part.name),
                Cell(text=part.text, tone="warn" if part.seconds is None else ""),
                Cell(text=part.meaning, tone="soft"),
            )
            for part in report.parts
        ),
    )


def _people(report: Report) -> TextTable:
    decided = [
        (
            Cell(text=f"{line.what}, {line.step}"),
            Cell(text=line.decision or "no answer", tone="" if line.decision else "warn"),
            Cell(text=(line.by or "nobody") + (" (self-consented)" if line.self_consented else "")),
            Cell(text=line.reason),
        )
        for line in report.consents
    ]
    stated = [
        (
            Cell(text=f"fenced, {line.step}"),
            Cell(text="stated, not proven", tone="warn"),
            Cell(text=line.by),
            Cell(text=line.reason),
        )
        for line in report.statements
    ]
    return TextTable(
        title="Who decided", columns=("about", "answer", "by", "reason"), rows=(*decided, *stated)
    )
