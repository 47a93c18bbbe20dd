"""A plan as a picture: every step as long as its budget, against the objective."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import StepKind
from drtool.reports.ahead import Ahead, look_ahead
from drtool.reports.chart import (
    LEFT,
    RIGHT,
    ROW,
    TIER,
    Box,
    Chart,
    Moment,
    Row,
    box_of,
    fold_text,
    label_of,
    links_of,
    placed,
)
from drtool.reports.scale import Scale, Span, tick_text, worth_folding
from drtool.units import seconds_text

_HUMAN = {StepKind.APPROVAL, StepKind.MANUAL}
_EDGE = 0.04  # what is drawn beside a moment at the edge


def plan_chart(plan: Plan) -> Chart:
    """The picture of a plan."""
    ahead = look_ahead(plan)
    scale, spare = _scale(plan, ahead)
    marks = placed(_moments(ahead), scale)
    top = max((mark.label_y for mark in marks), default=0.0) + 12.0 + TIER
    rows = tuple(
        _row(plan, step, ahead.spans[step.name], scale, top + ROW * at)
        for at, step in enumerate(plan.steps)
    )
    bottom = top + ROW * len(rows)
    return Chart(
        height=bottom + (20.0 if scale.folds else 6.0),
        top=top,
        bottom=bottom,
        rows=rows,
        ticks=tuple((scale.x(moment), tick_text(moment)) for moment in scale.ticks()),
        folds=tuple(_folds(scale, spare)),
        marks=marks,
        links=links_of(rows),
        kinds=tuple(dict.fromkeys(row.kind for row in rows if not row.waits)),
        has=_has(rows),
    )


def _moments(ahead: Ahead) -> Iterator[Moment]:
    if ahead.no_return is not None:
        yield ahead.no_return, "point of no return", "return"
    done, word = (ahead.ends, "done") if ahead.away is None else (ahead.serves, "serves again")
    yield done, f"{word}: {seconds_text(done)}", "answer"
    if ahead.latest is not None and ahead.limit is not None:
        yield ahead.latest, f"{ahead.objective} {ahead.limit}", "limit"


def _scale(plan: Plan, ahead: Ahead) -> tuple[Scale, str]:
    """The scale, with what is folded; what to say of the spare time before the objective."""
    waits = [ahead.spans[step.name] for step in plan.steps if step.kind in _HUMAN]
    folds, end, spare = worth_folding(waits, ahead.ends), ahead.ends, ""
    shown = end - sum(fold.seconds for fold in folds)
    if ahead.latest is not None and ahead.latest > end:
        if ahead.latest - end > 0.5 * shown:
            spare = f"{seconds_text(ahead.latest - ahead.serves)} to spare"
            folds = [*folds, Span(end + _EDGE * shown, ahead.latest - _EDGE * shown)]
        end = ahead.latest
        shown = end - sum(fold.seconds for fold in folds)
    return Scale(0.0, end + _EDGE * shown, LEFT, RIGHT, folds), spare


def _folds(scale: Scale, spare: str) -> Iterator[tuple[Box, str]]:
    for fold in scale.folds:
        last = fold is scale.folds[-1] and spare
        yield box_of(scale, fold.begin, fold.end), spare if last else fold_text(fold)


def _row(plan: Plan, step: PlanStep, span: Span, scale: Scale, y: float) -> Row:
    box = box_of(scale, span.begin, span.end)
    human = step.kind in _HUMAN
    assumed = step.budget is None and not step.rescues
    place = f" at {step.place}" if step.place else ""
    figures = str(step.counted) + (" assumed" if assumed else "")
    return Row(
        y=y,
        label=label_of(step.name),
        name=step.name,
        kind=step.purpose.value,
        tone="idle" if step.rescues else "",
        figures="only on failure" if step.rescues else figures,
        tooltip=f"{step.name}: {step.action}{place}, {step.purpose.value}, budget {figures}",
        bar=None if step.rescues else box,
        waits=(box,) if human else (),
        critical=step.name in plan.critical_path,
        hatched=assumed and not human,
    )


def _has(rows: Iterable[Row]) -> frozenset[str]:
    """What the legend must explain."""
    facts = {
        word
        for row in rows
        for word, fact in (
            ("waits", row.waits),
            ("critical", row.critical),
            ("assumed", row.hatched),
        )
        if fact
    }
    return frozenset(facts)
