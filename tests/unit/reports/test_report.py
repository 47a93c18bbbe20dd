from __future__ import annotations

from datetime import timedelta

import pytest
import told_runs
from told_runs import BEGAN, ended, met, verdict

from drtool.errors import JournalUnusable
from drtool.journal.chain import Head
from drtool.model.change import Change
from drtool.model.event import World
from drtool.model.proof import ProofKind
from drtool.model.purpose import Outcome, Procedure, Purpose
from drtool.reports.report import Report, report
from drtool.units import Duration

TOLD = {
    name: getattr(told_runs, name)
    for name in (
        "failover_met",
        "failover_not_measured",
        "failover_on_a_statement",
        "failover_under_way",
        "failover_dry",
    )
}


@pytest.mark.parametrize("name", TOLD)
def test_every_report_survives_being_json(name: str) -> None:
    made = report(TOLD[name](), Head(42, "ab" * 32))
    assert Report.model_validate_json(made.model_dump_json()) == made
    assert made.journal is not None
    assert made.journal.seq == 42


def test_what_happened_is_told_in_a_paragraph() -> None:
    assert report(told_runs.failover_met()).paragraph == (
        "At 05:14:01 UTC on 23 November 2026 ann began a failover of orders from east to west. "
        "The outage had begun at 05:13:57 UTC (given by --outage-since), 4.20 s before. "
        "ann consented to step consent after 8.16 s (self-consented: it is the requester's own). "
        "east.orders_db was fenced, proven by power. "
        "west.orders_db was promoted at 05:14:10 UTC. "
        "The first success from outside was seen at 05:14:11 UTC, 14.0 s after the outage had "
        "begun. The run succeeded after 10.4 s. "
        "The recovery time, 14.0 s, met its objective of 5m. "
        "The data loss, at most 1.40 s, met its objective of 10s. "
        "Since then the service is unprotected until reprotect has run."
    )


def test_objectives_and_parts() -> None:
    made = report(told_runs.failover_met())
    assert [(line.judgement, line.measured_text) for line in made.objectives] == [
        ("met", "14.0 s"),
        ("met", "at most 1.40 s"),
    ]
    parts = {part.name: part.seconds for part in made.parts}
    assert parts["detection"] == pytest.approx(4.2)
    assert parts["decision"] == pytest.approx(8.16)
    assert made.recovery_seconds == pytest.approx(14.0)
    counted = [parts[name] or 0 for name in ("detection", "decision", "execution", "convergence")]
    assert sum(counted) == pytest.approx(made.recovery_seconds)


def test_what_was_not_measured_is_never_met() -> None:
    made = report(told_runs.failover_not_measured())
    assert [line.judgement for line in made.objectives] == ["not measured", "missed"]
    assert made.objectives[0].measured_text == "not measured"
    assert made.recovery_seconds is None
    assert made.parts[0].text == "not measured"
    assert "nothing shows that it met its objective of 5m" in made.paragraph
    assert "recovery time, " not in made.paragraph


def test_a_verdict_without_a_limit_has_no_judgement() -> None:
    told = ended(
        met(), Outcome.SUCCEEDED, 0, World.RECOVERED, verdict("rto", 14.0, ok=None, limit=None)
    )
    made = report(told)
    assert made.objectives[0].judgement == "no objective"
    assert "met its objective" not in made.paragraph


def test_a_statement_is_no_proof() -> None:
    made = report(told_runs.failover_on_a_statement())
    assert "was not proven: it rests on the word of ben" in made.paragraph
    assert "proven by" not in made.paragraph
    assert made.statements[0].by == "ben"
    assert made.proofs == ()
    assert "failed after 10.4 s at step promote: still in recovery after 5 s." in made.paragraph
    assert made.next[0].command == f"drtool explain {made.run}"
    promote = made.steps[3]
    assert (promote.over_budget, promote.changes_are) == (True, "was about to change")


def test_a_proof_that_rests_on_a_word_is_a_statement() -> None:
    told = told_runs.consented().step(
        "fence", 8.4, 8.5, proofs=(told_runs.proof(ProofKind.STATEMENT),)
    )
    made = report(told.events)
    assert made.proofs == ()
    assert [(line.by, line.step) for line in made.statements] == [("a person", "fence")]
    assert "it rests on a person's word" in made.paragraph


def test_a_dry_run_changed_nothing_and_says_so() -> None:
    made = report(told_runs.failover_dry())
    assert (made.executed, made.objectives, made.parts) == (False, (), ())
    assert made.world_text == "A dry-run: the real systems are looked at, and nothing is changed."
    assert {step.changes_are for step in made.steps} == {"would change"}
    assert "promoted" not in made.paragraph
    assert made.next[0].command == (
        "drtool failover runbooks/hot-standby/orders.yaml --from east --to west"
    )


def test_a_run_under_way_has_no_outcome() -> None:
    made = report(told_runs.failover_under_way())
    assert (made.outcome, made.ended, made.exit_code) == (None, None, None)
    assert "Nobody has answered the question about step consent." in made.paragraph
    assert made.consents[0].decision == ""
    assert not made.unprotected


def test_a_failover_leaves_the_service_unprotected_and_a_switchover_that_reprotects_does_not() -> (
    None
):
    made = report(told_runs.failover_met())
    assert made.unprotected
    assert made.next[0].command == (
        "drtool reprotect runbooks/hot-standby/orders.yaml --from east --to west"
    )
    plan = told_runs.failover_plan(procedure=Procedure.SWITCHOVER)
    follow = told_runs.plan_step("follow", "postgresql.reprotect", Purpose.REPROTECT)
    told = met(plan.model_copy(update={"steps": (*plan.steps, follow)}), outage_start=None)
    told.step("follow", 10.31, 10.35, Change(subject="east", before="-", after="standby"))
    made = report(ended(told, Outcome.SUCCEEDED, 0, World.RECOVERED))
    assert not made.unprotected
    assert made.parts == ()
    assert "after the service had been taken away" in made.paragraph


def test_a_later_outage_start_than_the_run_is_no_negative_time() -> None:
    made = report(ended(met(outage_start=BEGAN + timedelta(seconds=1)), Outcome.SUCCEEDED, 0,
                        World.RECOVERED))  # fmt: skip
    assert made.parts[0].seconds == 0
    assert "0.00 s before" in made.paragraph


def test_no_events_make_no_report() -> None:
    with pytest.raises(JournalUnusable):
        report([])


def test_a_budget_of_zero_is_no_division() -> None:
    line = report(told_runs.failover_met()).objectives[0]
    assert line.model_copy(update={"limit": Duration(0)}).limit_text == "objective 0s"
