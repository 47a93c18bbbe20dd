"""The paper runbook: every procedure that ships, in commands that a shell can read."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from drtool.catalog import Catalog
from drtool.errors import BadInput
from drtool.model.plan import Plan
from drtool.model.purpose import Procedure
from drtool.reports.paper import Paper, PaperStep, to_html, to_text
from drtool.runbook.load import load
from drtool.runbook.planning import ObservedRoles, plan
from drtool.verbs.drawing import drawn, form_of
from drtool.verbs.paper import paper_runbook

ROOT = Path(__file__).parents[3]
ONE_SIDED = {Procedure.DRAIN, Procedure.LOSE, Procedure.REFILL}


def plans() -> Iterator[Plan]:
    catalog = Catalog.load()
    for path in sorted((ROOT / "runbooks").glob("*/*.yaml")):
        if path.name == "inventory.yaml":
            continue
        loaded = load(path, None, catalog, {})
        for procedure in loaded.runbook.procedures:
            left, to = ("west", "east") if procedure is Procedure.FAILBACK else ("east", "west")
            yield plan(
                loaded,
                procedure,
                ObservedRoles(),
                from_site=left,
                to_site=None if procedure in ONE_SIDED else to,
                catalog=catalog,
            )


ALL = list(plans())


def named(plan: Plan) -> str:
    return f"{plan.runbook}-{plan.procedure.value}"


def steps_of(paper: Paper) -> dict[str, PaperStep]:
    return {step.name: step for step in paper.steps}


@pytest.mark.parametrize("plan", ALL, ids=named)
def test_every_step_says_what_to_do_in_commands_that_bash_reads(plan: Plan) -> None:
    paper = paper_runbook(plan)
    assert [step.name for step in paper.steps] == [step.name for step in plan.steps]
    for step in paper.steps:
        assert step.lines
        assert not [line for line in step.lines if "cannot be said" in line.text]
    commands = [line.text for step in paper.steps for line in step.lines if line.prompt]
    for command in commands:
        read = subprocess.run(
            ["bash", "-n"], input=command, text=True, capture_output=True, check=False
        )
        assert read.stderr == "", command
        assert not re.search(r"\bNone\b|\{\{|KEY\b|SECRET|\.\.\.", command), command


@pytest.mark.parametrize("plan", ALL, ids=named)
def test_the_page_is_whole_and_loads_nothing(plan: Plan) -> None:
    text = to_html(paper_runbook(plan))
    page = Page(text)
    assert page.open == []
    assert page.boxes == len(plan.steps) + plan.consent_at_start
    assert not re.search(r"url\((?!#)|@import|<script|<img|<link", text)
    assert "break-inside: avoid" in text
    assert "size: A4" in text


class Page(HTMLParser):
    """Every tag is closed in order; counts the boxes to tick."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.boxes = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.boxes += ("class", "box") in attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def failover() -> Plan:
    return next(plan for plan in ALL if named(plan) == "orders-failover")


def test_a_failover_says_who_consents_where_to_stop_and_what_is_asked_for() -> None:
    paper = paper_runbook(failover())
    steps = steps_of(paper)
    assert "oncall-primary; in their absence oncall-secondary" in steps["consent"].lines[0].text
    assert [name for name, step in steps.items() if step.no_return] == ["promote"]
    assert steps["orders_accepted"].after == (5,)
    assert steps["fence"].after == ()
    assert {kept.where for kept in paper.kept} == {
        "file:secrets/drtool.password",
        "file:secrets/bmc.password",
        "file:secrets/tsig",
    }
    assert [kept.what for kept in paper.hosts] == ["host key of east_db (ssh-ed25519)"]
    assert paper.hosts[0].where.startswith("SHA256:")
    assert paper.programs == ("ssh", "psql", "curl", "dig", "nsupdate")


def test_the_text_has_a_box_and_room_for_each_step() -> None:
    text = to_text(paper_runbook(failover()))
    assert text.count("[ ] ") == len(failover().steps)
    assert text.count("begun __:__   done __:__   by ____") == len(failover().steps)
    assert "--- the point of no return ---\n[ ] 4. promote" in text
    assert "      east_db$ touch /var/lib/postgresql/17/main/standby.signal" in text


def test_a_secret_in_a_header_is_read_by_the_shell() -> None:
    drain = next(plan for plan in ALL if named(plan) == "profiles-drain")
    commands = [line.text for line in steps_of(paper_runbook(drain))["weight_50.weigh"].lines]
    assert '-H "Authorization: $TRAFFIC_AUTHORIZATION"' in commands[0]


def test_a_step_whose_values_come_later_says_so() -> None:
    late = failover().model_copy(
        update={
            "steps": tuple(
                step.model_copy(update={"fields": {"address": "{{ steps.loss_now.place }}"}})
                if step.name == "redirect"
                else step
                for step in failover().steps
            )
        }
    )
    lines = [line.text for line in steps_of(paper_runbook(late))["redirect"].lines]
    assert lines == [
        "Do what dns.redirect does, with what the steps before have shown:",
        "address: {{ steps.loss_now.place }}",
    ]


@pytest.mark.parametrize(
    ("form", "output", "manual", "wanted"),
    [
        ("table", None, True, "manual"),
        ("table", "paper.html", True, "paper"),
        ("table", "paper.txt", True, "manual"),
        ("svg", "plan.svg", False, "svg"),
        ("mermaid", None, False, "mermaid"),
    ],
)
def test_forms(form: str, output: str | None, wanted: str, *, manual: bool) -> None:
    path = Path(output) if output else None
    assert form_of(form, path, manual=manual) == wanted
    assert drawn(failover(), wanted).endswith("\n")


@pytest.mark.parametrize(
    ("form", "output", "manual"),
    [("png", None, False), ("svg", None, True), ("table", "plan.txt", False)],
)
def test_bad_forms(form: str, output: str | None, *, manual: bool) -> None:
    with pytest.raises(BadInput):
        form_of(form, Path(output) if output else None, manual=manual)
