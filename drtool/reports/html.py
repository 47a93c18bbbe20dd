"""A report as one self-contained HTML file: no script, nothing loaded from anywhere."""

from __future__ import annotations

from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from drtool.reports.chart import BAR, LEFT, RIGHT, ROW, WIDTH, chart
from drtool.reports.values import ObjectiveLine, Report
from drtool.units import seconds_text


def to_html(report: Report) -> str:
    """The report as a page; every text in it is escaped."""
    return (
        environment()
        .get_template("report.html")
        .render(report=report, chart=chart(report), tone=tone(report), geometry=geometry())
    )


def environment() -> Environment:
    """What all pages and pictures are made with: every text is escaped, nothing may be missing."""
    made = Environment(
        loader=PackageLoader("drtool.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(took=seconds_text, clock=_clock, moment=_moment, share=_share, gauge=_gauge)
    return made


def geometry() -> dict[str, float]:
    """The measures that charts are drawn with."""
    return {"width": WIDTH, "left": LEFT, "right": RIGHT, "row": ROW, "bar": BAR}


def to_json(report: Report) -> str:
    """The report for programs."""
    return report.model_dump_json(indent=2)


def tone(report: Report) -> str:
    """How the page looks at first sight: good only when the run succeeded and nothing was missed.

    An objective that was not measured is no success, and no failure either.
    """
    if report.outcome is None or not report.executed:
        return "plain"
    if report.exit_code == 0:
        return "good"
    return "warn" if report.exit_code == 6 else "bad"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _share(seconds: float, total: float) -> str:
    """A part of a whole in per cent, for a width."""
    return f"{100 * seconds / total if total else 0:.2f}"


def _gauge(line: ObjectiveLine) -> str:
    """How much of an objective was used, in per cent of the gauge's width, at most all of it."""
    if line.measured_seconds is None or line.limit is None:
        return "0"
    if not line.limit.seconds:
        return "0" if not line.measured_seconds else "100"
    return f"{min(100.0, 100 * line.measured_seconds / line.limit.seconds):.1f}"
