"""A plan as a picture and as a flowchart."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from good_documents import INVENTORY, RUNBOOK, write

from drtool.catalog import Catalog
from drtool.model.plan import Plan
from drtool.model.purpose import Procedure
from drtool.reports.ahead import look_ahead, title
from drtool.reports.chart import LEFT, RIGHT
from drtool.reports.mermaid import to_mermaid
from drtool.reports.picture import to_svg
from drtool.reports.plan_chart import plan_chart
from drtool.runbook.load import load
from drtool.runbook.planning import ObservedRoles, plan
from drtool.testing import fake_catalog

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    write("inventory.yaml", INVENTORY)
    write("orders.yaml", RUNBOOK)
    return made(Path("orders.yaml"), Procedure.FAILOVER, fake_catalog())


def made(path: Path, procedure: Procedure, catalog: Catalog) -> Plan:
    loaded = load(path, None, catalog, {})
    one_sided = procedure in {Procedure.DRAIN, Procedure.LOSE, Procedure.REFILL}
    return plan(
        loaded,
        procedure,
        ObservedRoles(),
        from_site="east",
        to_site=None if one_sided else "west",
        catalog=catalog,
    )


def shipped(strategy: str, procedure: Procedure) -> Plan:
    (path,) = [
        path
        for path in (ROOT / "runbooks" / strategy).glob("*.yaml")
        if path.name != "inventory.yaml"
    ]
    return made(path, procedure, Catalog.load())


def test_the_moments_are_those_of_the_budgets(planned: Plan) -> None:
    ahead = look_ahead(planned)
    assert ahead.ends == planned.expected.seconds
    assert (ahead.away, ahead.latest) == (0.0, 300.0)
    assert ahead.no_return == ahead.spans["fence"].end == ahead.spans["promote"].begin
    assert ahead.serves == ahead.spans["answers"].end


def test_the_downtime_of_a_planned_move_begins_with_its_fence(planned: Plan) -> None:
    moved = made(Path("orders.yaml"), Procedure.SWITCHOVER, fake_catalog())
    ahead = look_ahead(moved)
    assert ahead.away == ahead.spans["demote"].begin > 0
    assert ahead.latest == ahead.away + 60
    assert ahead.serves < ahead.ends
    assert ahead.text().startswith("downtime by the budgets: ")
    back = made(Path("orders.yaml"), Procedure.REPROTECT, fake_catalog())
    assert look_ahead(back).text().startswith("by the budgets it takes ")
    assert (title(moved), title(back)) == (
        "Switchover of orders from east to west",
        "Reprotect of orders from east to west",
    )


def test_bars_follow_one_another_and_stay_in_the_picture(planned: Plan) -> None:
    chart = plan_chart(planned)
    bars = {row.name: row.bar for row in chart.rows if row.bar}
    assert list(bars) == [step.name for step in planned.steps]
    for step in planned.steps:
        for need in step.needs:
            assert bars[need].x + bars[need].width <= bars[step.name].x + 3.1
    assert all(bar.x >= LEFT and bar.x + bar.width <= RIGHT + 3 for bar in bars.values())
    limit = next(mark for mark in chart.marks if mark.kind == "limit")
    assert limit.label == "RTO 5m"
    assert max(bar.x + bar.width for bar in bars.values()) <= limit.x <= RIGHT
    assert {row.name for row in chart.rows if row.critical} == set(planned.critical_path)
    assert "assumed" in chart.has


@pytest.mark.parametrize(
    ("strategy", "procedure"),
    [
        ("hot-standby", Procedure.FAILOVER),
        ("hot-standby", Procedure.REPROTECT),
        ("warm-standby", Procedure.SWITCHOVER),
        ("pilot-light", Procedure.FAILOVER),
        ("cold-standby", Procedure.FAILOVER),
        ("active-active", Procedure.DRAIN),
    ],
)
def test_the_picture_stands_alone(strategy: str, procedure: Procedure) -> None:
    text = to_svg(shipped(strategy, procedure))
    picture = ET.fromstring(text)  # noqa: S314 - our own
    assert picture.tag == f"{SVG}svg"
    assert float(picture.get("height") or 0) > 100
    assert "var(" not in text
    assert not re.search(r"url\((?!#)|@import|<script|href=", text)
    shown = [element.text for element in picture.iter(f"{SVG}text")]
    assert shown[0] == title(shipped(strategy, procedure))


def test_the_flowchart_says_phases_path_and_ways_back() -> None:
    text = to_mermaid(shipped("hot-standby", Procedure.FAILOVER))
    lines = [line.strip() for line in text.splitlines()]
    assert lines[:3] == ["---", 'title: "Failover of orders from east to west"', "---"]
    assert "flowchart LR" in lines
    assert lines.count("end") == len([one for one in lines if one.startswith("subgraph ")]) == 5
    assert 'subgraph p3 ["promote: the point of no return"]' in lines
    assert {"s1 ==> s2", "s4 ==> s5", "s5 --> s6"} <= set(lines)
    assert "class s2 person" in lines
    drained = to_mermaid(shipped("active-active", Procedure.DRAIN))
    assert "-. on failure .->" in drained
    assert "spare" in drained


def test_a_label_cannot_break_out_of_its_quotes(planned: Plan) -> None:
    strange = planned.model_copy(
        update={
            "steps": tuple(
                step.model_copy(update={"action": 'a"] --> b["'}) for step in planned.steps
            )
        }
    )
    nodes = [line for line in to_mermaid(strange).splitlines() if "<br/>" in line]
    assert nodes
    assert all(line.count('"') == 2 for line in nodes)
