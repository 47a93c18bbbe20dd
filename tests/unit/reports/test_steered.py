"""What people asked of a run stands in its report, with who, when and why."""

from __future__ import annotations

import pytest
from told_runs import consented

from drtool.cli.report import show_report
from drtool.model.event import Event, RunEnded, StepEnded, Via, World
from drtool.model.purpose import Outcome
from drtool.model.steering import EscalationAsked, RunContinued, RunPaused, StepDirected
from drtool.progress.state import fold
from drtool.progress.summary import as_markdown
from drtool.reports.html import to_html, to_json
from drtool.reports.report import report

HEIR = "20261123-051500-4444"


def steered() -> list[Event]:
    told = consented()
    told.tell(9, RunPaused(by="ben", reason="wait for storage"))
    told.tell(20, RunContinued(by="ann"))
    told.tell(21, StepDirected(step="dns_agrees", verb="skip", by="ben", reason="known <b>"))
    left = "left out by ben: known <b>"
    told.tell(22, StepEnded(step="dns_agrees", outcome=Outcome.SKIPPED, via=Via.DIRECT,
                            reason=left, by="ben"))  # fmt: skip
    return told.events


def handed() -> list[Event]:
    told = consented()
    told.tell(9, EscalationAsked(by="ben", reason="east is dark", heir=HEIR))
    end = RunEnded(outcome=Outcome.HANDED_OVER, exit_code=4, world=World.UNTOUCHED, heir=HEIR,
                   reason=f"ben asked for a failover: run {HEIR} goes on")  # fmt: skip
    return told.tell(10, end).events


def test_each_word_stands_in_every_form_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    made = report(steered())
    assert [(line.verb, line.step, line.by, line.reason) for line in made.steered] == [
        ("pause", "", "ben", "wait for storage"),
        ("continue", "", "ann", ""),
        ("skip", "dns_agrees", "ben", "known <b>"),
    ]
    (step,) = [one for one in made.steps if one.skipped_by]
    assert (step.name, step.skipped_by) == ("dns_agrees", "ben")
    assert "Step dns_agrees was left out by ben. The run was paused once, by ben." in made.paragraph
    html = to_html(made)
    assert "paused by ben: wait for storage" in html
    assert "step dns_agrees is left out by ben: known &lt;b&gt;" in html
    assert "<b>&gt;" not in html
    assert '"verb": "skip"' in to_json(made)
    show_report(made)
    assert "paused by ben: wait for storage" in capsys.readouterr().out
    assert "- paused by ben: wait for storage" in as_markdown(fold(steered()))


def test_the_report_of_a_run_that_was_handed_over_names_the_other() -> None:
    made = report(handed())
    assert made.heir == HEIR
    assert f"ben asked for a failover: run {HEIR} takes over: east is dark." in made.paragraph
    assert "The run was handed over" in made.paragraph
    assert HEIR in to_html(made)


def test_the_report_of_the_heir_names_the_run_before_it() -> None:
    made = report(consented(escalates="20261123-051000-1111").events)
    assert made.escalates == "20261123-051000-1111"
    assert "taking over run 20261123-051000-1111." in made.paragraph
