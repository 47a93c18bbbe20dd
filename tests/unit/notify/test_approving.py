"""Whoever looks is told who has approved, who is waited for, and who put the rules aside."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_bench import Bench, approval, chain, plan_of, step
from signed_people import People

from drtool.model.approving import ApprovalVoided
from drtool.model.event import Event
from drtool.model.plan import Approval
from drtool.model.purpose import StepKind
from drtool.notify.card import Call, Command, Note, Text, Tone
from drtool.notify.form import as_blocks
from drtool.notify.telling import Teller
from drtool.progress.explain import explain
from drtool.progress.narrate import narrate
from drtool.reports.html import to_html
from drtool.reports.report import report


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def events(tmp_path: Path, people: People, *, broken: bool) -> list[Event]:
    """A run that two people approve, or one alone."""
    bench = Bench(tmp_path)
    asked = approval("consent").model_copy(update={"approval": Approval(of="commander", count=2)})
    plan = plan_of(*chain(asked, step("one")), inventory=people.inventory())
    signed = people.signed("operator", "drtool start 2\n")
    running = bench.in_background(bench.engine(plan=plan, signed=signed))
    bench.until(lambda: bench.asked("consent"))
    people.answer(bench, "consent", "first")
    bench.until(lambda: bench.state.waiting_for[0].approvals)
    said = {"break_glass": True, "reason": "nobody else is awake"} if broken else {}
    people.answer(bench, "consent", "third" if broken else "second", **said)
    running.wait()
    return bench.events


def notes(told: list[Event], kind: str) -> list[Note]:
    teller = Teller()
    return [note for event in told for note in teller.hear(event) if event.body.kind == kind]


def words(note: Note) -> str:
    parts = (part.text for part in note.card.parts if isinstance(part, Text))
    return "\n".join((note.card.title, *parts))


def test_one_of_two_is_told_with_who_is_waited_for(tmp_path: Path, people: People) -> None:
    told = events(tmp_path, people, broken=False)
    (question,) = notes(told, "consent.asked")
    assert "0 of 2, waits for 2 of commander: first, second, third" in words(question)
    (only,) = notes(told, "approval.given")
    assert "consent approved by first" in words(only)
    assert "1 of 2 (first), waits for one more of commander: second, third" in words(only)
    assert (only.card.tone, only.urgent) == (Tone.ASKING, True)
    (answer,) = notes(told, "consent.given")
    assert "consent approved by first and second" in words(answer)


def test_those_who_may_answer_are_called_one_by_one(tmp_path: Path, people: People) -> None:
    known = people.inventory()
    slack = {name: one.model_copy(update={"slack": "U0ANN"}) for name, one in known.people.items()}
    bench = Bench(tmp_path)
    asked = approval("consent").model_copy(update={"approval": Approval(of="commander")})
    inventory = known.model_copy(update={"people": slack | {"third": known.people["third"]}})
    plan = plan_of(*chain(asked, step("one")), inventory=inventory)
    signed = people.signed("first", "drtool start 2\n")
    running = bench.in_background(bench.engine(plan=plan, signed=signed))
    bench.until(lambda: bench.asked("consent"))
    (question,) = notes(bench.events, "consent.asked")
    (call,) = (part for part in question.card.parts if isinstance(part, Call))
    assert call.people == ("U0ANN",), "neither who asked for the run, nor who gave no id"
    assert "<@U0ANN>" in str(as_blocks(question.card, {}))
    assert "<!subteam^S0ONCALL>" in str(as_blocks(question.card, {"commander": "S0ONCALL"}))
    bench.ask("abort")
    running.wait()


def test_a_void_approval_is_told(tmp_path: Path, people: People) -> None:
    told = events(tmp_path, people, broken=False)
    given = next(n for n, event in enumerate(told) if event.body.kind == "approval.given")
    void = ApprovalVoided(step="consent", by="first", reason="the key is gone")
    after = told[given].model_copy(update={"body": void, "seq": told[given].seq + 1})
    (note,) = notes([*told[: given + 1], after], "approval.voided")
    assert "the approval of consent by first is void" in words(note)
    assert "the key is gone. 0 of 2, waits for 2 of commander" in words(note)


def test_break_glass_is_loud_everywhere(tmp_path: Path, people: People) -> None:
    told = events(tmp_path, people, broken=True)
    warned = [note for note in notes(told, "warned") if "BREAK-GLASS" in words(note)]
    assert [note.urgent for note in warned] == [True]
    assert "third alone approved consent: nobody else is awake" in words(warned[0])
    made = report(told)
    assert made.break_glass == ("third, to approve consent: nobody else is awake",)
    assert "BREAK-GLASS" in to_html(made)
    lines = [narrate(event) or "" for event in told]
    assert any("BREAK-GLASS, approved by third with key SHA256:" in line for line in lines)
    bench = Bench(tmp_path)
    assert explain(bench.state, alive=False).broken == (
        "BREAK-GLASS: third, to approve consent: nobody else is awake",
    )
    (listed,) = bench.journal.summaries()
    assert listed.break_glass


def test_the_report_shows_each_key_and_how_it_is_verified(tmp_path: Path, people: People) -> None:
    made = report(events(tmp_path, people, broken=False))
    (consent,) = made.consents
    assert [one.by for one in consent.approvals] == ["first", "second"]
    assert consent.needs == 2
    assert made.started_by is not None
    page = to_html(made)
    for one in (made.started_by, *consent.approvals):
        assert one.fingerprint in page
        assert "BEGIN SSH SIGNATURE" in one.signature
        assert one.signature in made.model_dump_json().replace("\\n", "\n")
    assert made.verify == "drtool report r1 --approvals DIRECTORY"
    assert made.verify in page


def test_work_by_hand_is_confirmed_not_approved(tmp_path: Path) -> None:

    bench = Bench(tmp_path)
    manual = step("call", "manual", kind=StepKind.MANUAL, instructions="call", owner="ann")
    running = bench.in_background(bench.engine(manual))
    bench.until(lambda: bench.asked("call"))
    assert explain(bench.state, alive=True).options[0].command == "drtool confirm r1 call"
    (question,) = notes(bench.events, "consent.asked")
    typed = [part.command for part in question.card.parts if isinstance(part, Command)]
    assert typed[0] == "drtool confirm r1 call"
    bench.ask("confirm", "call", service="")
    assert running.wait().exit_code == 0
