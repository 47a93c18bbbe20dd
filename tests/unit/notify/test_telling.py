"""Which events make notes, and what the first message says meanwhile; nothing is ever guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from told_runs import (
    BEGAN,
    Told,
    beginning,
    consented,
    ended,
    failover_dry,
    failover_met,
    failover_not_measured,
    failover_on_a_statement,
    failover_plan,
    failover_under_way,
    plan_step,
)

from drtool.model.event import (
    AbortAsked,
    ConsentAsked,
    ConsentGiven,
    Event,
    Instant,
    LeaseEnded,
    RunResumed,
    StepEnded,
    StepStarted,
    Via,
    Warned,
    World,
)
from drtool.model.inventory import Inventory, Role
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose
from drtool.model.steering import (
    EscalationAsked,
    RunContinued,
    RunPaused,
    StepDirected,
    UnwindAsked,
)
from drtool.notify.card import Card, Command, Facts, Note, Small, Table, Text, Tone
from drtool.notify.telling import Teller
from drtool.units import Duration

RUN = "20261123-051401-3333"
HEAD = "orders: failover east to west"


def told(events: Sequence[Event]) -> list[Note]:
    teller = Teller()
    return [note for event in events for note in teller.hear(event)]


def board(events: Sequence[Event], seconds: float, *, alive: bool = True) -> Card:
    teller = Teller()
    for event in events:
        teller.hear(event)
    return teller.board(at(seconds), alive=alive)


def at(seconds: float) -> Instant:
    return Instant(wall=BEGAN + timedelta(seconds=seconds), monotonic=1000 + seconds, boot="b")


def facts(card: Card) -> dict[str, str]:
    return dict(fact for part in card.parts if isinstance(part, Facts) for fact in part.facts)


def commands(card: Card) -> list[str]:
    return [part.command for part in card.parts if isinstance(part, Command)]


def words(card: Card) -> str:
    return " ".join(part.text for part in card.parts if isinstance(part, Text | Small))


def test_a_failover_makes_these_notes() -> None:
    notes = told(failover_met())
    assert [note.about for note in notes] == [
        "the start",
        "the question about consent",
        "the answer about consent",
        "the phase fence",
        "the phase promote",
        "the phase redirect",
        "the phase verify",
        "step tell_people failed",
        "the end",
    ]
    assert [note.about for note in notes if note.urgent] == [
        "the start",
        "the question about consent",
        "the end",
    ]
    assert notes[2].answers == notes[1].key


def test_a_question_says_who_must_do_what_and_what_to_type() -> None:
    plan = failover_plan(
        inventory=Inventory(
            version=1,
            services={},
            sites={},
            roles={"incident_commander": Role(people=("ann", "ben"), deputies=("cid",))},
        )
    )
    (_, question) = told(beginning(plan).events)
    assert question.card.title == f"{HEAD}, waiting for the incident commander"
    assert question.card.tone is Tone.ASKING
    assert question.card.parts[1] == Text(
        "Fence east and promote west",
        lead="An approval is needed from the incident commander (ann, ben; deputies: cid):",
    )
    assert "• east.orders_db: running -> off" in words(question.card)
    assert commands(question.card) == [
        f"drtool approve {RUN} consent --service orders",
        f"drtool deny {RUN} consent",
    ]
    assert "type on desk:" in str(question.card.parts[3])


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("consent", "Consent is needed from somebody:"),
        ("manual", "Work by hand is needed from somebody:"),
        ("decision", "A decision is needed from somebody:"),
    ],
)
def test_every_kind_of_question_is_asked_in_its_own_words(what: Any, says: str) -> None:
    run = Told(failover_plan())
    until = BEGAN + timedelta(minutes=15)
    run.tell(1, ConsentAsked(step="start", what=what, text="go on?", expires=until))
    question = told(run.events)[-1].card
    assert question.title == f"{HEAD}, waiting for a person"
    assert says in str(question.parts)
    assert question.parts[-1] == Small("Without an answer it expires at 05:29:01 UTC.")


@pytest.mark.parametrize(
    ("body", "title", "urgent"),
    [
        (
            Warned(about="rto_at_risk", text="RTO at risk: the forecast is 6 min, the RTO 5m"),
            f"{HEAD}, RTO at risk: the forecast is 6 min, the RTO 5m",
            True,
        ),
        (Warned(about="request", text="x" * 130), f"{HEAD}, request", False),
        (AbortAsked(by="ben", reason="wrong site"), f"{HEAD}, ben asked to abort", True),
        (RunPaused(by="ben", reason="wait"), f"{HEAD}, paused by ben: wait", True),
        (RunContinued(by="ben"), f"{HEAD}, continued by ben", True),
        (
            StepDirected(step="redirect", verb="skip", by="ben", reason="known"),
            f"{HEAD}, step redirect is left out by ben: known",
            True,
        ),
        (UnwindAsked(by="ben"), f"{HEAD}, ben asked to take it back", True),
        (
            EscalationAsked(by="ben", heir="r2"),
            f"{HEAD}, ben asked for a failover: run r2 takes over",
            True,
        ),
        (LeaseEnded(lost=True, reason="held by cid"), f"{HEAD}, the right to act was LOST", True),
        (
            RunResumed(by="ben", host="desk", pid=1, version="1", drift="it was edited"),
            f"{HEAD}, resumed by ben",
            False,
        ),
        (
            ConsentGiven(step="consent", decision="expired", reason="nobody answered"),
            f"{HEAD}, consent expired",
            False,
        ),
    ],
)
def test_what_people_should_know_at_once(body: Any, title: str, urgent: bool) -> None:
    note = told(consented().tell(9, body).events)[-1]
    assert (note.card.title, note.urgent) == (title, urgent)


def test_a_pause_is_told_with_the_command_that_goes_on() -> None:
    paused = consented().tell(9, RunPaused(by="ben", reason="wait"))
    card = told(paused.events)[-1].card
    assert "drtool continue 20261123-051401-3333" in str(card.parts)


@pytest.mark.parametrize(
    "body",
    [
        Warned(about="executor", text="Prefect has not recorded the report"),
        LeaseEnded(lost=False),
        StepEnded(step="tell_people", outcome=Outcome.SUCCEEDED, via=Via.DIRECT),
        StepStarted(step="tell_people", via=Via.DIRECT),
    ],
)
def test_what_nobody_needs_to_be_told(body: Any) -> None:
    before = told(consented().events)
    assert len(told(consented().tell(9, body).events)) == len(before)


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Outcome.FAILED, "step fence FAILED"),
        (Outcome.REFUSED, "step fence was REFUSED"),
        (Outcome.IN_DOUBT, "step fence is IN DOUBT"),
    ],
)
def test_a_step_that_went_wrong_is_told_with_its_reason(outcome: Outcome, says: str) -> None:
    run = consented().step("fence", 9, 9.5, outcome=outcome, reason="dark", hint="drtool x")
    note = told(run.events)[-1]
    assert note.card.title == f"{HEAD}, {says}"
    assert note.card.parts == (Text("dark"), Text("drtool x", lead="What now:"))
    assert note.urgent


def test_steps_that_an_abort_ended_are_told_once() -> None:
    run = consented().tell(9, AbortAsked(by="ben"))
    run.step("fence", 9, 9.5, outcome=Outcome.ABORTED)
    assert [note.about for note in told(run.events)][-2:] == ["the abort", "the phase fence"]


def test_the_first_message_counts_against_the_objective() -> None:
    card = board(failover_under_way(), 4.0)
    assert card.title == f"{HEAD}, waiting for the incident commander"
    assert facts(card)["Recovery time so far"] == "8.20 s of RTO 5m"
    assert facts(card)["Since the start"] == "4.00 s"
    assert commands(card)[0] == f"drtool approve {RUN} consent --service orders"
    assert "█░░░" in words(card)
    assert "as of 05:14:05 UTC" in words(card)


def test_what_is_not_known_is_not_guessed() -> None:
    run = consented(outage_start=None, outage_source="not measured")
    card = board(run.events, 60)
    assert facts(card)["Recovery time"] == "not measured: the outage's start is not known"
    assert "Forecast" not in facts(card)
    assert "░" not in words(card)
    planned = failover_plan(procedure=Procedure.SWITCHOVER)
    assert facts(board(Told(planned).events, 5))["Downtime"] == "none so far"


def test_a_dry_run_measures_nothing() -> None:
    run = Told(failover_plan(), Mode.DRY_RUN, outage_start=BEGAN)
    assert facts(board(run.events, 7)) == {"Since the start": "7.00 s"}


def test_a_risk_is_told_in_the_first_message() -> None:
    assert facts(board(consented().events, 290))["Forecast"].endswith(", AT RISK")
    assert facts(board(consented().events, 10))["Forecast"].endswith(", within 5m")


def test_the_phases_stand_in_a_row() -> None:
    run = (
        consented().step("fence", 8.33, 9.5).tell(9.6, StepStarted(step="promote", via=Via.DIRECT))
    )
    row = words(board(run.events, 10.1))
    assert ":white_check_mark: assess 8.26 s" in row
    assert ":white_check_mark: fence 1.17 s" in row
    assert ":arrow_forward: promote 0.50 s" in row
    assert ":white_small_square: redirect   :white_small_square: verify" in row


def test_of_many_phases_those_around_the_present_one_are_shown() -> None:
    purposes = [Purpose.DRAIN, Purpose.VERIFY] * 10
    steps = tuple(
        plan_step(f"s{number}", "http.request", purpose) for number, purpose in enumerate(purposes)
    )
    run = Told(failover_plan(steps=steps, procedure=Procedure.DRAIN))
    for number in range(12):
        run.step(f"s{number}", number, number + 0.5)
    row = words(board(run.events, 12))
    assert row.count(":white_check_mark:") == 5
    assert row.count(":white_small_square:") == 4
    assert "(11 more)" in row
    joined = [note for note in told(run.events) if note.joined]
    assert len(joined) == 11


def test_the_end_has_the_table_the_verdicts_and_what_to_type() -> None:
    end = told(failover_met())[-1].card
    assert end.title == f"{HEAD}, recovered, UNPROTECTED"
    assert end.said == (f"{end.title}. recovery time 14.0 s, met; data loss at most 1.40 s, met")
    assert end.tone is Tone.WARNING
    (table,) = [part for part in end.parts if isinstance(part, Table)]
    assert table.lines[0].split() == ["step", "phase", "outcome", "time", "budget"]
    assert table.lines[3].split() == ["fence", "fence", "succeeded", "1.17", "s", "20s"]
    assert commands(end)[0].startswith("drtool reprotect runbooks/hot-standby/orders.yaml")
    assert len(commands(end)) == 3


@pytest.mark.parametrize(
    ("events", "title", "tone"),
    [
        (
            failover_not_measured(),
            f"{HEAD}, recovered, an OBJECTIVE MISSED, UNPROTECTED",
            Tone.WARNING,
        ),
        (failover_on_a_statement(), f"{HEAD}, FAILED, IN DOUBT", Tone.BAD),
        (failover_dry(), f"DRY-RUN {HEAD}, succeeded", Tone.GOOD),
        (
            ended(consented(), Outcome.ABORTED, 4, World.FENCED),
            f"{HEAD}, ABORTED, FENCED, NOTHING WRITABLE",
            Tone.BAD,
        ),
        (
            ended(consented(), Outcome.REFUSED, 3, World.UNTOUCHED),
            f"{HEAD}, refused, untouched",
            Tone.BAD,
        ),
    ],
)
def test_an_end_is_told_as_it_is(events: list[Event], title: str, tone: Tone) -> None:
    end, first = told(events)[-1].card, board(events, 20)
    assert (end.title, end.tone) == (title, tone)
    assert (first.title, first.tone) == (title, tone)


def test_a_run_whose_engine_is_gone_says_so_and_how_to_take_it_up() -> None:
    teller = Teller()
    for event in consented().events:
        teller.hear(event)
    note = teller.gone(at(12))
    assert note.card.title == f"{HEAD}, INTERRUPTED"
    assert commands(note.card) == [f"drtool resume {RUN}"]
    assert note.urgent
    assert "drtool attach" not in words(note.card)


def test_a_drill_says_so_first() -> None:
    assert told(Told(failover_plan(), Mode.DRILL).events)[0].card.title.startswith("DRILL orders: ")


def test_of_many_steps_the_table_has_those_that_went_wrong() -> None:
    steps = tuple(plan_step(f"s{n}", "http.request", Purpose.PROVISION) for n in range(60))
    run = Told(failover_plan(steps=steps, objectives={"rto": Duration(300)}))
    for number in range(60):
        run.step(f"s{number}", number, number + 1,
                 outcome=Outcome.FAILED if number == 3 else Outcome.SUCCEEDED)  # fmt: skip
    end = told(ended(run, Outcome.FAILED, 1, World.PREPARED))[-1].card
    (table,) = [part for part in end.parts if isinstance(part, Table)]
    assert table.lines[1].startswith("s3 ")
    assert table.lines[2].startswith("s36 ")
    assert table.lines[-1] == "and 35 more steps"
