"""Approvals that people sign with their SSH keys: whose counts, how many, and what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_bench import Bench, Running, approval, chain, plan_of, step
from signed_people import People

from drtool.clock import seconds_passed
from drtool.connections.ssh_signature import reason_not_signed
from drtool.model.approving import ApprovalGiven
from drtool.model.event import ConsentGiven, Request
from drtool.model.inventory import Inventory
from drtool.model.people import Right
from drtool.model.plan import Approval
from drtool.model.purpose import Mode, OnFailure, Outcome, Procedure, Purpose, StepKind
from drtool.model.signed import Evidence
from drtool.model.signed_text import request_text
from drtool.units import Duration


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def consent(count: int | None = None, **said: Any) -> Any:
    asked = approval("consent", **said)
    return asked.model_copy(update={"approval": Approval(of="commander", count=count)})


def begin(
    bench: Bench, people: People, *steps: Any, starter: str = "operator", **said: Any
) -> Running:
    needs = said.pop("needs", None)
    plan = plan_of(
        *(steps or chain(consent(), step("one"))), inventory=people.inventory(needs=needs), **said
    )
    signed = people.signed(starter, "drtool start 2\n")
    running = bench.in_background(bench.engine(plan=plan, signed=signed))
    waits = "start" if plan.consent_at_start else plan.steps[0].name
    bench.until(lambda: bench.asked(waits))
    return running


def warned(bench: Bench, text: str) -> None:
    """Wait until it is told; the question must still wait."""
    bench.until(lambda: any(text in one.text for one in bench.state.warnings))
    assert bench.state.waiting_for
    assert bench.world.effects == []


def given(bench: Bench) -> list[ApprovalGiven]:
    return [event.body for event in bench.events if isinstance(event.body, ApprovalGiven)]


def test_a_signed_approval_lets_the_run_go_on_and_stands_whole_in_the_journal(
    bench: Bench, people: People
) -> None:
    running = begin(bench, people)
    people.answer(bench, "consent", "first", reason="the site is dark")
    assert running.wait().exit_code == 0
    (only,) = given(bench)
    assert (only.by, only.number, only.needs, only.self_consented) == ("first", 1, 1, False)
    assert only.signed is not None
    assert only.signed.key == people.keys["first"]
    assert reason_not_signed(only.signed.message, only.signed.signature, only.signed.key) is None
    for line in ("run: r1", "mode: live", "procedure: failover", "direction: east -> west",
                 "plan: d", "step: consent", "decision: approved", "by: first"):  # fmt: skip
        assert line in only.signed.message.splitlines()
    whole = next(e.body for e in bench.events if isinstance(e.body, ConsentGiven))
    assert (whole.by, whole.reason) == ("first", "the site is dark")


def test_two_of_three_and_a_deputy_counts(bench: Bench, people: People) -> None:
    running = begin(bench, people, *chain(consent(2), step("one")))
    people.answer(bench, "consent", "first")
    bench.until(lambda: given(bench))
    (waiting,) = bench.state.waiting_for
    assert (len(waiting.approvals), waiting.asked.needs) == (1, 2)
    assert bench.world.effects == []
    people.answer(bench, "consent", "third")
    assert running.wait().exit_code == 0
    assert [(one.by, one.number) for one in given(bench)] == [("first", 1), ("third", 2)]
    assert bench.state.step("consent").reason == "approved by first and third"


def test_the_role_says_how_many_where_the_step_does_not(bench: Bench, people: People) -> None:
    running = begin(bench, people, needs=2)
    assert bench.state.waiting_for[0].asked.needs == 2
    people.answer(bench, "consent", "second")
    bench.until(lambda: given(bench))
    people.answer(bench, "consent", "first")
    running.wait()


def test_the_first_decision_of_each_person_wins(bench: Bench, people: People) -> None:
    running = begin(bench, people, needs=2)
    for verb in ("approve", "approve", "deny"):
        people.answer(bench, "consent", "first", verb)
    warned(bench, "deny by first: first has answered already; the first decision counts")
    assert len(given(bench)) == 1
    people.answer(bench, "consent", "second")
    assert running.wait().exit_code == 0


def test_one_denial_is_final(bench: Bench, people: People) -> None:
    running = begin(bench, people, needs=2)
    people.answer(bench, "consent", "first")
    bench.until(lambda: given(bench))
    people.answer(bench, "consent", "second", "deny", reason="too early")
    assert running.wait().reason == "step consent: denied by second: too early"


def test_too_few_in_time_refuse_and_are_named(bench: Bench, people: People) -> None:
    running = begin(bench, people, *chain(consent(2, budget=Duration(1.0)), step("one")))
    people.answer(bench, "consent", "first")
    assert running.wait().exit_code == 4
    assert bench.state.step("consent").reason == "only 1 of 2 approved in time: first"
    assert bench.world.effects == []


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("operator", "operator is not of commander"),
        ("nobody", "is not one of nobody in the inventory"),
    ],
)
def test_who_may_not_approve(bench: Bench, people: People, by: str, told: str) -> None:
    running = begin(bench, people)
    if by not in people.keys:
        people.keys[by] = people._make(by)
    people.answer(bench, "consent", by)
    warned(bench, told)
    bench.ask("abort")
    running.wait()


def test_the_requester_cannot_approve_but_may_refuse(bench: Bench, people: People) -> None:
    running = begin(bench, people, starter="first")
    people.answer(bench, "consent", "first")
    warned(bench, "first asked for this run, and somebody else must approve it")
    people.answer(bench, "consent", "first", "deny")
    assert running.wait().outcome is Outcome.ABORTED


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"plan": {"digest": "other"}}, "the signature is for something else: plan other, not d"),
        ({"changes_digest": "other"}, "the signature is for something else: changes other, not"),
        ({"step": "another"}, "the signature is for something else: step another, not consent"),
        (
            {"expires": datetime(2026, 1, 1, tzinfo=UTC)},
            "the signature is for something else: expires 2026-01-01T00:00:00.000000+00:00, not",
        ),
        ({"version": "9"}, "the signature is for something else: version 9, not"),
    ],
)
def test_a_signature_of_something_else_is_void(
    bench: Bench, people: People, changed: dict[str, Any], told: str
) -> None:
    running = begin(bench, people)
    people.answer(bench, "consent", "first", changed=changed)
    warned(bench, told)
    bench.ask("abort")
    running.wait()


def test_an_approval_of_another_run_or_by_another_key_is_none(bench: Bench, people: People) -> None:
    running = begin(bench, people)
    people.answer(bench, "consent", "first", run="r0")
    warned(bench, "the signature is for something else: run r0, not r1")
    bench.ask("approve", "consent", by="first")
    warned(bench, "is not signed: nobody knows who says it")
    forged = people.signed("second", "x").model_copy(update={"by": "first"})
    people.answer(bench, "consent", "first", signed=forged)
    warned(bench, "the signature is for something else")
    people.answer(bench, "consent", "second")
    running.wait()


def test_a_message_that_was_changed_after_it_was_signed(bench: Bench, people: People) -> None:
    running = begin(bench, people)
    other = people.signed("first", "something")
    people.answer(bench, "consent", "first", changed={})  # the right text, to borrow its words
    running.wait()
    (right,) = given(bench)
    assert right.signed is not None
    reason = reason_not_signed(right.signed.message, other.signature, other.key)
    assert reason is not None
    assert "changed after it was signed" in reason


def test_a_late_answer_is_told_that_it_is_late(bench: Bench, people: People) -> None:
    steps = chain(consent(), step("look", "bench.is", key="x", deadline=Duration(30)))
    running = begin(bench, people, *steps)
    people.answer(bench, "consent", "first")
    bench.ask("approve", "consent", by="second")
    bench.until(lambda: bench.state.warnings)
    assert bench.state.warnings[0].text == (
        "approve by second: step consent was approved by first already; the first decision counts"
    )
    bench.world.put("x", "yes")
    running.wait()


def test_an_answer_after_the_end_of_the_wait_is_expired(bench: Bench) -> None:
    steps = (
        approval("consent", budget=Duration(0.1), otherwise="continue"),
        step("look", "bench.is", "consent", key="x", deadline=Duration(30)),
    )
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.outcomes().get("look") == "running" if bench.events else False)
    bench.ask("approve", "consent")
    bench.until(lambda: bench.state.warnings)
    assert "step consent has expired: nobody answered in time" in bench.state.warnings[0].text
    bench.world.put("x", "yes")
    running.wait()


def test_break_glass_lets_one_person_through_loudly(bench: Bench, people: People) -> None:
    running = begin(bench, people, starter="first", needs=2)
    people.answer(bench, "consent", "first", break_glass=True)
    warned(bench, "--break-glass needs a reason")
    people.answer(bench, "consent", "first", break_glass=True, reason="nobody else answers")
    assert running.wait().exit_code == 0
    (only,) = given(bench)
    assert (only.break_glass, only.self_consented, only.needs) == (True, True, 2)
    assert bench.state.step("consent").reason == "BREAK-GLASS: approved by first"
    assert bench.state.glass_broken == ("first, to approve consent: nobody else answers",)
    loud = [one for one in bench.state.warnings if one.about == "break_glass"]
    assert loud
    assert "nobody else answers" in loud[0].text


def test_break_glass_still_takes_a_key_of_the_inventory(bench: Bench, people: People) -> None:
    running = begin(bench, people)
    people.keys["stranger"] = people._make("stranger")
    people.answer(bench, "consent", "stranger", break_glass=True, reason="let me in")
    warned(bench, "is not one of stranger in the inventory")
    bench.ask("abort", by="anybody")
    assert running.wait().outcome is Outcome.ABORTED


def test_the_start_is_consented_to_by_the_operator_with_the_key(
    bench: Bench, people: People
) -> None:
    said: dict[str, Any] = {"consent_at_start": True, "procedure": Procedure.SWITCHOVER}
    running = begin(bench, people, step("one"), **said)
    bench.ask("approve", "start", by="somebody")
    warned(bench, "is not signed")
    people.answer(bench, "start", "operator")
    assert running.wait().exit_code == 0
    assert given(bench)[0].self_consented


def test_a_drills_start_takes_less(tmp_path: Path) -> None:
    bench, people = Bench(tmp_path), People(tmp_path, third=(Right.REHEARSE,))
    plan = plan_of(step("one"), inventory=people.inventory(), consent_at_start=True)
    running = bench.in_background(bench.engine(plan=plan, mode=Mode.DRILL))
    bench.until(lambda: bench.asked("start"))
    people.answer(bench, "start", "third")
    assert running.wait().exit_code == 0


def test_a_manual_step_is_its_owners_and_keeps_the_evidence(bench: Bench, people: People) -> None:
    manual = step("call", "manual", kind=StepKind.MANUAL, instructions="call them", owner="third")
    running = begin(bench, people, *chain(manual, step("one")))
    assert bench.state.waiting_for[0].asked.of == "third"
    shown = Evidence(name="photo.jpg", size=3, sha256="ab" * 32)
    people.answer(bench, "call", "first", "confirm")
    warned(bench, "first is not third, whose work it is")
    people.answer(bench, "call", "third", "confirm", evidence=(shown,), service="")
    assert running.wait().exit_code == 0
    (consent_,) = bench.state.consents
    assert consent_.given is not None
    assert consent_.given.evidence == (shown,)
    signed = given(bench)[0].signed
    assert signed is not None
    assert f"evidence: {shown.sha256} 3 photo.jpg" in signed.message
    assert bench.state.step("call").reason == "done by third, shown by photo.jpg"


def test_words_that_steer_are_signed_by_an_operator(bench: Bench, people: People) -> None:
    running = begin(bench, people)
    bench.ask("pause")
    warned(bench, "pause by chief: is not signed: nobody knows who says it")
    people.word(bench, "pause", "", "first")
    warned(bench, "first may approve, not operate")
    people.word(bench, "pause", "", "operator", ago=timedelta(hours=1))
    warned(bench, "which is too long ago")
    people.word(bench, "pause", "", "operator")
    bench.until(lambda: bench.state.paused)
    bench.ask("abort", by="anybody")
    assert running.wait().outcome is Outcome.ABORTED


def test_a_word_about_a_step_that_waits_signs_which_question_was_read(
    bench: Bench, people: People
) -> None:
    one = step("one", "bench.is", key="x", attempts=1, on_failure=OnFailure.ASK)
    running = begin(bench, people, one)
    read = bench.state.waiting_for[0].asked
    at = bench.clock.wall()
    words = Request(run=bench.run, verb="retry", step="one", by="operator", reason="x is there",
                    at=at, changes_digest="", expires=read.expires)  # fmt: skip
    text = request_text(words, "operator")
    assert text.startswith("drtool request 2\n")
    assert request_text(words.model_copy(update={"expires": None}), "operator").startswith(
        "drtool request 1\n"
    )
    signed = people.signed("operator", text)
    for expires in (None, at):
        changed = words.model_copy(update={"expires": expires, "signed": signed})
        bench.journal.request(changed)
    bench.until(lambda: len(bench.state.warnings) == 2)
    told = [one.text for one in bench.state.warnings]
    assert all("the signature is for something else" in one for one in told)
    bench.world.put("x", "yes")
    bench.journal.request(words.model_copy(update={"signed": signed}))
    assert running.wait().exit_code == 0
    assert bench.state.step("one").attempts == 2


def test_without_keys_several_approvals_are_counted_by_name(bench: Bench) -> None:
    running = bench.in_background(bench.engine(*chain(consent(2), step("one"))))
    bench.until(lambda: bench.asked("consent"))
    bench.ask("approve", "consent", by="a@h")
    bench.ask("approve", "consent", by="a@h")
    warned(bench, "a@h has answered already")
    bench.ask("approve", "consent", by="b@h")
    assert running.wait().exit_code == 0
    assert [(one.by, one.signed) for one in given(bench)] == [("a@h", None), ("b@h", None)]


def test_a_secret_in_a_reason_is_masked_and_the_signature_stays_whole(
    bench: Bench, people: People
) -> None:
    """``orders`` is a secret here and the service's name too; the reason holds another one."""
    for secret in ("orders", "hunter2hunter2"):
        bench.redactor.learn(secret)
    running = begin(bench, people)
    elsewhere = Bench(bench.directory)  # the terminal that asks knows of no secret
    people.answer(elsewhere, "consent", "first", reason="the password is hunter2hunter2")
    running.wait()
    (only,) = given(bench)
    assert only.reason == "the password is [secret]"
    assert only.signed is not None
    assert reason_not_signed(only.signed.message, only.signed.signature, only.signed.key) is None
    assert "service: orders" in only.signed.message
    assert not any("hunter2" in event.model_dump_json() for event in bench.events)


def test_what_was_not_shown_is_asked_of_the_same_people(bench: Bench, people: People) -> None:
    steps = chain(
        consent(2),
        step("look", "bench.is", key="target", value="b"),
        step("one", value="{{ steps.look.value }}", place=None),
    )
    running = begin(bench, people, *steps)
    for name in ("first", "second"):
        people.answer(bench, "consent", name)
    bench.world.put("target", "b")
    bench.until(lambda: bench.asked("one"))
    again = bench.state.waiting_for[0].asked
    assert (again.of, again.needs) == ("commander", 2)
    assert "This was not shown when consent was given" in again.text
    people.answer(bench, "one", "third")
    bench.until(lambda: bench.state.waiting_for[0].approvals)
    assert bench.world.get("one") == ""
    people.answer(bench, "one", "first")
    assert running.wait().exit_code == 0


def begin_today(
    bench: Bench, people: People, *steps: Any, linked: bool = True
) -> tuple[Running, list[Inventory]]:
    """A run whose inventory can be changed under way; its steps follow one another."""
    today = [people.inventory()]
    ports = replace(bench.ports(), inventory_now=lambda: today[-1])
    plan = plan_of(*(chain(*steps) if linked else steps), inventory=today[0])
    signed = people.signed("operator", "drtool start 1\n")
    return bench.in_background(bench.engine(plan=plan, signed=signed, ports=ports)), today


def test_words_of_a_person_whose_key_or_right_was_taken_away_steer_no_more(
    bench: Bench, people: People
) -> None:
    running, today = begin_today(bench, people, consent(), step("one"))
    bench.until(lambda: bench.asked("consent"))
    today.append(people.inventory(without=("operator",)))
    people.word(bench, "pause", "", "operator")
    warned(bench, "is not one of operator in the inventory any more")
    people.rights["operator"] = (Right.APPROVE,)
    today.append(people.inventory())
    people.word(bench, "skip", "one", "operator", reason="not now")
    warned(bench, "skip by operator: operator may approve, not operate any more")
    assert bench.state.paused is None
    assert bench.state.directed == ()
    bench.ask("abort")
    running.wait()


def test_who_leaves_a_step_out_has_not_approved_anew_what_comes_after_it(
    bench: Bench, people: People
) -> None:
    smoke = step("smoke", "bench.run", script="smoke", purpose=Purpose.VERIFY, one_way=True)
    gate = step("gate", "bench.is", key="gate")
    running, today = begin_today(bench, people, consent(), gate, smoke, step("one"))
    bench.until(lambda: bench.asked("consent"))
    people.answer(bench, "consent", "first")
    bench.until(lambda: bench.world.effects)
    today.append(people.inventory(without=("first",)))
    bench.world.put("gate", "yes")
    bench.until(lambda: bench.asked("smoke"))
    people.word(bench, "skip", "smoke", "operator", reason="not now")
    bench.until(lambda: bench.asked("one"))
    assert "The approval of consent is void" in bench.state.waiting_for[0].asked.text
    people.answer(bench, "one", "second")
    running.wait()
    assert bench.state.step("smoke").skipped_by == "operator"
    assert {one for one in bench.world.effects if "look" not in one} == {"one=yes"}


def test_steps_side_by_side_lose_no_time_while_one_of_them_asks_anew(
    bench: Bench, people: People
) -> None:
    """One asks, the other waits for its turn: both for longer than their deadlines."""
    gate, short = step("gate", "bench.is", "consent", key="gate"), Duration(0.3)
    sides = [step(name, "bench.set", "gate", deadline=short) for name in ("one", "two")]
    running, today = begin_today(bench, people, consent(), gate, *sides, linked=False)
    bench.until(lambda: bench.asked("consent"))
    people.answer(bench, "consent", "first")
    bench.until(lambda: bench.world.effects)
    today.append(people.inventory(without=("first",)))
    bench.world.put("gate", "yes")
    bench.until(lambda: bench.state.waiting_for)
    asked = bench.state.waiting_for[0]
    over = short.seconds + 2 * bench.limits.grace
    bench.until(lambda: seconds_passed(bench.clock) > asked.asked_at.monotonic + over)
    assert {bench.outcomes()[one.name] for one in sides} == {"running", "waiting"}
    people.answer(bench, asked.asked.step, "second")
    assert running.wait().exit_code == 0
    assert {one for one in bench.world.effects if "look" not in one} == {"one=yes", "two=yes"}
