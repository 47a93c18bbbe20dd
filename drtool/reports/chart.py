"""The timeline of a run as a picture: what to draw, and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from drtool.model.event import Via
from drtool.model.purpose import Outcome
from drtool.reports.scale import Scale, Span, tick_text, worth_folding
from drtool.reports.values import ConsentLine, Report, StepLine
from drtool.units import seconds_text

WIDTH, LEFT, RIGHT = 1040.0, 214.0, 868.0
ROW, BAR, TIER = 28.0, 14.0, 17.0
_SHORTEST_BAR = 3.0
_LABEL = 28
_MARK_ROOM = 7.0  # per character of a mark's label
Moment = tuple[float, str, str]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a row."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture: a step, or the consent at the start.

    ``hatched`` marks what went directly, and in a plan the time that nobody wrote down.
    """

    y: float
    label: str
    name: str
    kind: str
    tone: str
    figures: str
    tooltip: str
    bar: Box | None = None
    budget: Box | None = None
    budget_open: bool = False
    over: Box | None = None
    waits: tuple[Box, ...] = ()
    critical: bool = False
    hatched: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment across all rows."""

    x: float
    label: str
    kind: str
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole picture."""

    height: float
    top: float
    bottom: float
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    folds: tuple[tuple[Box, str], ...]
    marks: tuple[Mark, ...]
    links: tuple[str, ...]
    kinds: tuple[str, ...]
    has: frozenset[str] = field(default_factory=frozenset)


def chart(report: Report) -> Chart | None:
    """The picture of a report; None when no step began."""
    lanes = [consent for consent in report.consents if not _is_step(report, consent.step)]
    begun = [step for step in report.steps if step.begins_seconds is not None]
    if not begun and not lanes:
        return None
    scale = _scale(report)
    marks = _marks(report, scale)
    tiers = max((mark.label_y for mark in marks), default=0.0)
    top = tiers + 12.0 + TIER
    rows = [_consent_row(consent, scale, top, at) for at, consent in enumerate(lanes)]
    rows += [
        _step_row(report, step, scale, top + ROW * at)
        for at, step in enumerate(report.steps, len(rows))
    ]
    bottom = top + ROW * len(rows)
    return Chart(
        height=bottom + (20.0 if scale.folds else 6.0),
        top=top,
        bottom=bottom,
        rows=tuple(rows),
        ticks=tuple((scale.x(moment), tick_text(moment)) for moment in scale.ticks()),
        folds=tuple((box_of(scale, fold.begin, fold.end), fold_text(fold)) for fold in scale.folds),
        marks=marks,
        links=links_of(rows),
        kinds=tuple(dict.fromkeys(row.kind for row in rows if row.bar is not None)),
        has=_has(rows, scale),
    )


def _is_step(report: Report, name: str) -> bool:
    return any(step.name == name for step in report.steps)


def _scale(report: Report) -> Scale:
    ends = [
        (step.begins_seconds or 0.0) + (step.seconds or 0.0)
        for step in report.steps
        if step.begins_seconds is not None
    ]
    waits = [
        Span(consent.asked_seconds, consent.asked_seconds + consent.waited_seconds)
        for consent in report.consents
    ]
    end = max([*ends, *(wait.end for wait in waits), 0.01]) * 1.02
    folds = worth_folding(waits, end)
    begin = _outage_seconds(report) or 0.0
    if begin < 0:
        shown = end - sum(fold.seconds for fold in folds)
        if -begin > max(2.0, 0.5 * shown):
            folds = [Span(begin, 0.0), *folds]
    return Scale(min(begin, 0.0), end, LEFT, RIGHT, folds)


def _outage_seconds(report: Report) -> float | None:
    if report.outage_start is None:
        return None
    return (report.outage_start - report.started).total_seconds()


def _step_row(report: Report, step: StepLine, scale: Scale, y: float) -> Row:
    common = {
        "y": y,
        "label": label_of(step.name),
        "name": step.name,
        "kind": step.purpose.value,
        "tone": _tone(step.outcome),
        "figures": _figures(step),
        "tooltip": _tooltip(step),
        "critical": step.critical,
        "hatched": step.via is Via.DIRECT,
    }
    if step.begins_seconds is None or step.seconds is None:
        return Row(**common)  # type: ignore[arg-type]
    begin, end = step.begins_seconds, step.begins_seconds + step.seconds
    budget = step.budget.seconds if step.budget else None
    return Row(
        **common,  # type: ignore[arg-type]
        bar=box_of(scale, begin, end),
        budget=box_of(scale, begin, begin + budget) if budget is not None else None,
        budget_open=budget is not None and begin + budget > scale.end,
        over=box_of(scale, begin + budget, end)
        if budget is not None and step.over_budget
        else None,
        waits=tuple(
            box_of(scale, consent.asked_seconds, consent.asked_seconds + consent.waited_seconds)
            for consent in report.consents
            if consent.step == step.name
        ),
    )


def label_of(name: str) -> str:
    """A step's name, as much of it as there is room for."""
    return name if len(name) <= _LABEL else name[: _LABEL - 1] + "…"


def _consent_row(consent: ConsentLine, scale: Scale, top: float, at: int) -> Row:
    box = box_of(scale, consent.asked_seconds, consent.asked_seconds + consent.waited_seconds)
    waited = seconds_text(consent.waited_seconds)
    return Row(
        y=top + ROW * at,
        label=f"consent to the {consent.step}",
        name=consent.step,
        kind="waiting",
        tone="good" if consent.decision == "approved" else "bad" if consent.decision else "",
        figures=waited,
        tooltip=f"{consent.what}: {consent.decision or 'open'} after {waited}",
        waits=(box,),
    )


def box_of(scale: Scale, begin: float, end: float) -> Box:
    """Where a stretch of time is drawn, wide enough to be seen."""
    x = scale.x(begin)
    return Box(x, round(max(scale.x(end) - x, _SHORTEST_BAR), 1))


def _figures(step: StepLine) -> str:
    if step.seconds is None:
        return step.outcome.value
    figures = step.time_text + (f" of {step.budget}" if step.budget is not None else "")
    return figures if step.outcome is Outcome.SUCCEEDED else f"{figures}, {step.outcome.value}"


def _tooltip(step: StepLine) -> str:
    via = f", {step.via.value}" if step.via else ""
    why = f" ({step.via_reason})" if step.via_reason else ""
    budget = f", budget {step.budget}" if step.budget is not None else ""
    return f"{step.name}: {step.outcome.value} {step.time_text}{budget}{via}{why}"


def _tone(outcome: Outcome) -> str:
    if outcome is Outcome.SUCCEEDED:
        return "good"
    if outcome in {Outcome.PENDING, Outcome.SKIPPED}:
        return "idle"
    return "" if not outcome.ended else "bad"


def fold_text(fold: Span) -> str:
    """What is said of a stretch that is not drawn to scale."""
    return f"{seconds_text(fold.seconds)} folded"


def _marks(report: Report, scale: Scale) -> tuple[Mark, ...]:
    outage = _outage_seconds(report)
    limit = next((one.limit for one in report.objectives if one.objective == "rto"), None)
    rto = outage + limit.seconds if outage is not None and limit is not None else None
    wanted = [
        (outage, "outage began", "outage"),
        (report.no_return_seconds, "point of no return", "return"),
        (report.answered_seconds, "first success from outside", "answer"),
        (rto if rto is not None and rto <= scale.end else None, f"RTO {limit}", "limit"),
    ]
    known = [(moment, label, kind) for moment, label, kind in wanted if moment is not None]
    return placed(known, scale)


def placed(moments: Iterable[Moment], scale: Scale) -> tuple[Mark, ...]:
    """The moments that count, their labels on as many tiers as they need."""
    free: list[float] = []  # where each tier is free again
    marks = []
    for moment, label, kind in sorted(moments):
        x, room = scale.x(moment), _MARK_ROOM * len(label)
        anchor = "start" if x + room < WIDTH else "end"
        begin = x if anchor == "start" else x - room
        tier = next((at for at, end in enumerate(free) if end <= begin), len(free))
        free[tier : tier + 1] = [begin + room + 8]
        at = x + 4 if anchor == "start" else x - 4
        marks.append(Mark(x, label, kind, round(at, 1), TIER * (tier + 1) - 4, anchor))
    return tuple(marks)


def links_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Lines from the end of a step on the critical path to the beginning of the next one."""
    path = [row for row in rows if row.critical and row.bar is not None]
    found = []
    for before, after in pairwise(path):
        if before.bar is None or after.bar is None:
            continue
        x, y = before.bar.x + before.bar.width, before.y + ROW / 2
        to_x, to_y = after.bar.x, after.y + (ROW - BAR) / 2
        found.append(f"M{x:g} {y:g}H{max(x, to_x) + 1.5:g}V{to_y:g}")
    return tuple(found)


def _has(rows: list[Row], scale: Scale) -> frozenset[str]:
    """What the legend must explain."""
    facts = {
        "budget": any(row.budget for row in rows),
        "over": any(row.over for row in rows),
        "waits": any(row.waits for row in rows),
        "critical": any(row.critical and row.bar for row in rows),
        "direct": any(row.hatched and row.bar for row in rows),
        "prefect": any(not row.hatched and row.bar for row in rows),
        "folds": bool(scale.folds),
    }
    return frozenset(name for name, fact in facts.items() if fact)
