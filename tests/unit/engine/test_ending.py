"""No run that did not end well says of any objective that it was met."""

from __future__ import annotations

import re

import pytest
from told_runs import LOSS, WEST, Told, consented, proof

from drtool.cli.show import ending as show_ending
from drtool.engine.ending import ending
from drtool.model.change import Change
from drtool.model.event import AbortAsked, Event
from drtool.model.purpose import Outcome
from drtool.progress.state import fold
from drtool.progress.summary import as_markdown
from drtool.reports.html import to_html, to_json
from drtool.reports.report import report

MET = re.compile(r"\bmet\b", re.IGNORECASE)
WHY = "not judged: the run did not end well"


def promoted() -> Told:
    """A failover that has promoted the standby, within its RPO."""
    told = consented()
    told.step("fence", 8.33, 9.5, Change(subject="east_db", before="On", after="Off"),
              proofs=(proof(),))  # fmt: skip
    return told.step("promote", 9.51, 9.63, Change(subject=str(WEST), before="standby",
                     after="primary"), seen={"role": "primary", "loss": LOSS})  # fmt: skip


def ended(told: Told, *, unwound: bool = False) -> list[Event]:
    return told.tell(20, ending(fold(told.events), unwound=unwound)).events


def not_redirected(outcome: Outcome) -> Told:
    change = Change(subject="orders.lab.test", before="127.0.1.1", after="127.0.2.1")
    return promoted().step(
        "redirect", 9.7, 19, change, outcome=outcome, reason="too few servers agree"
    )


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED, Outcome.IN_DOUBT])
def test_a_redirect_that_fails_leaves_nothing_met(outcome: Outcome) -> None:
    assert_nothing_met(ended(not_redirected(outcome)), outcome)


def test_an_abort_leaves_nothing_met() -> None:
    told = not_redirected(Outcome.ABORTED)
    told.tell(19, AbortAsked(by="ann"))
    assert_nothing_met(ended(told), Outcome.ABORTED)


def test_a_service_that_answered_before_the_run_failed_is_not_judged_either() -> None:
    told = not_redirected(Outcome.FAILED)
    events = ended(told.step("orders_accepted", 19.1, 19.3, answered=19.2))
    assert_nothing_met(events, Outcome.FAILED)
    assert report(events).recovery_seconds == pytest.approx(23.4)


def assert_nothing_met(events: list[Event], outcome: Outcome) -> None:
    state, made = fold(events), report(events)
    assert state.ended is not None
    assert state.ended.outcome is outcome
    assert [verdict.met for verdict in state.ended.verdicts] == [None, None]
    loss = made.objectives[1]
    assert (loss.judgement, loss.measured_seconds) == ("not judged", 1.4)
    assert f"at most 1.40 s of 10s, {WHY}" in as_markdown(state)
    assert "at most 1.40 s, is not judged" in made.paragraph
    assert '"judgement": "met"' not in to_json(made)
    assert '"withheld": "the run did not end well"' in to_json(made)
    html = to_html(made)
    cards = html[html.index('<div class="cards">') : html.index("What happened")]
    assert '<span class="badge ">not judged</span>' in cards
    assert "the run did not end well" in cards
    for page in (as_markdown(state), made.paragraph, cards):
        assert not MET.search(page.replace("that it met", ""))


def test_the_terminal_says_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    show_ending(fold(ended(not_redirected(Outcome.FAILED))))
    said = " ".join(capsys.readouterr().out.split())
    assert f"data loss: at most 1.40 s of 10s, {WHY} (heartbeat row at west)" in said
    assert not MET.search(said)


def test_the_report_of_a_run_that_has_not_ended_judges_nothing() -> None:
    made = report(promoted().events)
    loss = made.objectives[1]
    assert (loss.judgement, loss.measured_seconds) == ("not judged", 1.4)
    assert loss.withheld == "the run has not ended"
