"""A plan as one self-contained SVG file, for reviews, wikis and walls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jinja2 import Environment

from drtool.model.plan import Plan
from drtool.reports.ahead import facts, look_ahead, title
from drtool.reports.chart import WIDTH, Chart
from drtool.reports.html import environment, geometry
from drtool.reports.plan_chart import plan_chart

_MARGIN, _CHARACTER, _LINE = 24.0, 6.6, 22.0
_LEGEND = {
    "waits": ("wait", "waits for a person"),
    "assumed": ("assumed", "no budget written: the usual time is counted"),
    "critical": ("critical", "critical path, its steps in bold"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the legend."""

    x: float
    y: float
    kind: str
    text: str


def to_svg(plan: Plan) -> str:
    """The plan as a picture; every text in it is escaped, nothing is loaded from anywhere."""
    chart, templates = plan_chart(plan), environment()
    colours = _colours(templates)
    legend = _legend(chart, colours)
    lines = (facts(plan), look_ahead(plan).text())
    head = 34.0 + 18.0 * len(lines)
    rows = legend[-1].y if legend else 0.0
    text = templates.get_template("plan.svg").render(
        title=title(plan),
        facts=lines,
        chart=chart,
        legend=legend,
        geometry=geometry(),
        head=head,
        margin=_MARGIN,
        width=WIDTH + 2 * _MARGIN,
        height=head + chart.height + rows + 44.0 + 2 * _MARGIN,
    )
    # not every viewer of SVG knows variables
    return re.sub(r"var\(--([a-z-]+)\)", lambda found: colours[found[1]], text)


def _legend(chart: Chart, colours: dict[str, str]) -> list[Item]:
    """What the colours and the signs mean; purposes of one colour stand together."""
    alike: dict[str, list[str]] = {}
    for kind in chart.kinds:
        alike.setdefault(colours[kind], []).append(kind)
    said = [(kinds[0], ", ".join(kinds)) for kinds in alike.values()]
    said += [_LEGEND[word] for word in _LEGEND if word in chart.has]
    items: list[Item] = []
    x = y = 0.0
    for kind, text in said:
        wide = 31.0 + _CHARACTER * len(text) + 18.0
        if x + wide > WIDTH:
            x, y = 0.0, y + _LINE
        items.append(Item(round(x, 1), y, kind, text))
        x += wide
    return items


def _colours(templates: Environment) -> dict[str, str]:
    """The light colours by their names, from the first block of the style sheet."""
    style = templates.get_template("style.css").render()
    return dict(re.findall(r"--([a-z-]+): ([^;]+);", style.partition("}")[0]))
