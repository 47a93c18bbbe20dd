"""No run that did not end well says of any objective that it was met."""

from __future__ import annotations

import re

import pytest
from told_runs import LOSS, WEST, Told, consented, failover_plan, met, proof

from drtool.cli.show import ending as show_ending
from drtool.engine.ending import ending
from drtool.model.change import Change
from drtool.model.event import AbortAsked, Event, RunEnded, World
from drtool.model.plan import Objectives, Plan
from drtool.model.proof import AcceptedLoss
from drtool.model.purpose import OnFailure, Outcome
from drtool.model.value import Fields
from drtool.progress.explain import explain
from drtool.progress.state import fold
from drtool.progress.summary import as_markdown
from drtool.reports.html import to_html, to_json
from drtool.reports.report import report
from drtool.units import Duration

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


def lenient(name: str) -> Plan:
    """A failover whose step of that name may fail."""
    plan = failover_plan()
    steps = [
        one.model_copy(update={"on_failure": OnFailure.CONTINUE}) if one.name == name else one
        for one in plan.steps
    ]
    return plan.model_copy(update={"steps": tuple(steps)})


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Outcome.IN_DOUBT, 5), (Outcome.REFUSED, 3), (Outcome.ABORTED, 4)],
)
def test_a_step_that_may_fail_may_not_end_otherwise(outcome: Outcome, code: int) -> None:
    told = met(lenient("dns_agrees")).step("dns_agrees", 10.3, 10.4, outcome=outcome)
    events = ended(told)
    assert_nothing_met(events, outcome)
    assert [one.body.exit_code for one in events if isinstance(one.body, RunEnded)] == [code]


def test_a_step_that_may_fail_and_fails_is_forgiven() -> None:
    told = met(lenient("dns_agrees")).step("dns_agrees", 10.3, 10.4, outcome=Outcome.FAILED)
    state = fold(ended(told))
    assert state.ended is not None
    assert (state.ended.exit_code, state.world) == (0, World.RECOVERED)


def test_a_page_does_not_count_where_the_orders_that_were_tried_failed() -> None:
    told = met(lenient("orders_accepted"))
    told.step("dns_agrees", 10.3, 10.4, answered=10.35)
    told.step("orders_accepted", 10.3, 10.4, outcome=Outcome.FAILED, reason="answers 500")
    state = fold(ended(told))
    assert state.ended is not None
    assert (state.ended.outcome, state.ended.exit_code) == (Outcome.SUCCEEDED, 6)
    assert state.world is World.REDIRECTED
    assert "recovery time not measured" in state.ended.reason
    assert "orders_accepted has not passed" in " ".join(explain(state).world.split())


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


ANY = AcceptedLoss(at_most="unknown", by="ann", reason="customers wait")
BY = "accepted by ann: customers wait"


@pytest.mark.parametrize(
    ("seconds", "limit", "said"),
    [
        (None, Duration(10), f"data loss: unknown, {BY} (objective 10s; no row)"),
        (None, None, f"data loss: unknown, {BY} (no row)"),
        (3.0, Duration(10), f"data loss: 3.00 s of 10s, {BY} (heartbeat)"),
        (42.0, Duration(10), f"data loss: 42.0 s of 10s, missed, {BY} (heartbeat)"),
    ],
)
def test_who_accepts_any_loss_never_meets_the_rpo(
    seconds: float | None, limit: Duration | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lossy: Fields = {"seconds": seconds, "source": "heartbeat", "reason": "no row"}
    plan = failover_plan(objectives=Objectives(rto=Duration(300), rpo=limit))
    events = ended(met(plan, lossy, accepted_loss=ANY))
    state, made = fold(events), report(events)
    assert state.ended is not None
    assert (state.ended.outcome, state.ended.exit_code) == (Outcome.SUCCEEDED, 6)
    assert said.partition(" (")[0].replace(":", "", 1) in state.ended.reason
    show_ending(state)
    assert said in " ".join(capsys.readouterr().out.split())
    assert said[len("data loss: ") :] in as_markdown(state)
    assert made.objectives[1].judgement == ("missed" if seconds == 42.0 else "accepted")
    assert BY in made.paragraph
    assert "the data loss, 3.00 s, met" not in made.paragraph.lower()
    assert BY in to_html(made)
    assert explain(state).accepted == f"D{said[1:]}."


def test_an_amount_that_was_accepted_and_not_needed_is_met() -> None:
    accepted = AcceptedLoss(at_most=Duration(60), by="ann", reason="customers wait")
    state = fold(ended(met(accepted_loss=accepted)))
    assert state.ended is not None
    assert state.ended.exit_code == 0
    assert state.ended.verdicts[1].text == "at most 1.40 s of 10s, met (heartbeat row at west)"


def test_the_report_of_a_run_that_has_not_ended_judges_nothing() -> None:
    made = report(promoted().events)
    loss = made.objectives[1]
    assert (loss.judgement, loss.measured_seconds) == ("not judged", 1.4)
    assert loss.withheld == "the run has not ended"
