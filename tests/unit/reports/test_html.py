from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import told_runs

from drtool.model.event import World
from drtool.model.purpose import Outcome, Purpose
from drtool.model.value import Fields
from drtool.reports.html import to_html, to_json, tone
from drtool.reports.report import Report, report
from drtool.units import Duration

TOLD = (
    "failover_met",
    "failover_not_measured",
    "failover_on_a_statement",
    "failover_under_way",
    "failover_dry",
)
VOID = {"meta", "line", "br"}


class Page(HTMLParser):
    """Every tag is closed in order; notes what could load something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "srcset"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def made(name: str) -> Report:
    return report(getattr(told_runs, name)())


@pytest.mark.parametrize("name", TOLD)
def test_the_page_is_whole_and_loads_nothing(name: str) -> None:
    text = to_html(made(name))
    page = Page(text)
    assert page.open == []
    assert page.loads == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not re.search(r"url\((?!#)|@import|https?:", text)
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


@pytest.mark.parametrize("name", TOLD)
def test_what_stands_in_the_json_stands_in_the_page(name: str) -> None:
    told = made(name)
    assert Report.model_validate_json(to_json(told)) == told
    text = to_html(told)
    for step in told.steps:
        assert f"<b>{step.name}</b>" in text


def test_what_people_wrote_is_escaped() -> None:
    text = to_html(made("failover_on_a_statement"))
    assert "I pulled &lt;both&gt; power cords" in text
    assert "<both>" not in text


def test_a_statement_does_not_look_like_a_proof() -> None:
    text = to_html(made("failover_on_a_statement"))
    assert "A person's word, not a proof." in text
    assert "<h2>Proofs</h2>" not in text
    assert "<h2>Proofs</h2>" in to_html(made("failover_met"))


def test_not_measured_does_not_look_like_met() -> None:
    text = to_html(made("failover_not_measured"))
    cards = text[text.index('<div class="cards">') : text.index("What happened")]
    assert '<span class="badge ">not measured</span>' in cards
    assert "badge good" not in cards
    assert [tone(made(name)) for name in TOLD] == ["good", "warn", "bad", "plain", "plain"]


def test_the_timeline_shows_budget_path_and_carrier() -> None:
    text = to_html(made("failover_met"))
    for part in ("over budget", "critical path", "run directly", "through Prefect",
                 "point of no return", "first success from outside", "outage began",
                 "8.16 s folded", "0.53 s of 200ms", "self-consented"):  # fmt: skip
        assert part in text, part


def test_a_run_of_a_thousand_steps_has_a_page() -> None:
    steps = tuple(
        told_runs.plan_step(f"s{number}", "ssh.run", Purpose.SCALE, budget=Duration(0.02))
        for number in range(1000)
    )
    plan = told_runs.failover_plan(steps=steps, critical_path=tuple(step.name for step in steps))
    told = told_runs.Told(plan)
    for number in range(1000):
        seen: Fields = {"number": number}
        told.step(f"s{number}", number * 0.01, number * 0.01 + 0.01, seen=seen)
    text = to_html(report(told_runs.ended(told, Outcome.SUCCEEDED, 0, World.RECOVERED)))
    assert Page(text).open == []
