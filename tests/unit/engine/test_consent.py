from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from engine_bench import (
    ENTRIES,
    FAST,
    Bench,
    Seen,
    Set,
    approval,
    chain,
    failover_steps,
    plan_of,
    step,
    world_of,
)

from drtool.action import Facts, Look
from drtool.catalog import Catalog
from drtool.clock import seconds_passed
from drtool.engine.desk import Desk, Waiter
from drtool.engine.quorum import Quorum
from drtool.model.event import ConsentAsked, ConsentGiven, Request, RunStarted, Warned, World
from drtool.model.proof import Statement
from drtool.model.purpose import Mode, OnFailure, Outcome, Procedure, StepKind
from drtool.model.steering import StepDirected
from drtool.units import Duration


def test_the_start_asks_for_the_services_name_and_shows_the_changes(bench: Bench) -> None:
    plan = plan_of(*failover_steps(), consent_at_start=True, procedure=Procedure.SWITCHOVER)
    running = bench.in_background(bench.engine(plan=plan))
    bench.until(lambda: bench.asked("start"))
    assert bench.world.effects == []
    asked = bench.state.waiting_for[0].asked
    assert [change.subject for change in asked.changes] == [
        "fence",
        "promote",
        "redirect",
        "script",
    ]
    bench.ask("approve", "start", by="tester")
    assert running.wait().exit_code == 0
    given = bench.state.consents[0].given
    assert given is not None
    assert given.self_consented
    assert given.changes_digest == asked.changes_digest


def test_the_first_effect_follows_the_consent_at_once(bench: Bench) -> None:
    plan = plan_of(step("one"), consent_at_start=True)
    running = bench.in_background(bench.engine(plan=plan))
    bench.until(lambda: bench.asked("start"))
    typed = seconds_passed(bench.clock)
    bench.ask("approve", "start")
    running.wait()
    intent = next(event.at for event in bench.events if event.body.kind == "step.intent")
    assert intent.monotonic - typed < 0.3


def test_a_wrong_name_is_no_consent(bench: Bench) -> None:
    plan = plan_of(step("one"), consent_at_start=True)
    running = bench.in_background(bench.engine(plan=plan))
    bench.until(lambda: bench.asked("start"))
    bench.ask("approve", "start", service="order")
    bench.until(lambda: bench.state.warnings)
    assert "still waits" in bench.state.warnings[0].text
    assert bench.asked("start")
    bench.ask("deny", "start")
    ended = running.wait()
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 4)
    assert ended.world is World.UNTOUCHED
    assert bench.world.effects == []


def test_nobody_answers_at_the_start(bench: Bench) -> None:
    bench.limits = replace(FAST, consent=0.1)
    ended = bench.execute(plan=plan_of(step("one"), consent_at_start=True))
    assert (ended.exit_code, ended.reason) == (4, "nobody consented in time")


def test_an_approval_covers_what_is_downstream(bench: Bench) -> None:
    steps = chain(step("look", "bench.is", key="x"), approval("consent"), step("one"))
    bench.world.put("x", "yes")
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.asked("consent"))
    bench.ask("approve", "consent")
    assert running.wait().exit_code == 0
    assert bench.world.get("one") == "yes"
    assert not any(
        given.self_consented
        for given in (event.body for event in bench.events)
        if isinstance(given, ConsentGiven)
    )


@pytest.mark.parametrize(
    ("otherwise", "outcome", "code"),
    [("abort", "aborted", 4), ("stop", "refused", 3), ("continue", "skipped", 0)],
)
def test_an_approval_that_nobody_gives(
    bench: Bench, otherwise: str, outcome: str, code: int
) -> None:
    steps = chain(approval("consent", budget=Duration(0.1), otherwise=otherwise), step("one"))
    ended = bench.execute(*steps)
    assert ended.exit_code == code, ended
    assert bench.outcomes()["consent"] == outcome
    assert bench.state.consents[0].given
    assert bench.world.effects == (["one=yes"] if code == 0 else [])


def test_a_written_deadline_is_how_long_people_have_and_the_budget_only_counts(
    bench: Bench,
) -> None:
    consent = approval("consent", budget=Duration(0.1), deadline=Duration(300))
    running = bench.in_background(bench.engine(plan=plan_of(*chain(consent, step("one")))))
    bench.until(lambda: bench.asked("consent"))
    asked = bench.state.waiting_for[0].asked
    assert asked.budget == Duration(300)
    bench.ask("approve", "consent", changes_digest=asked.changes_digest, expires=asked.expires)
    assert running.wait().exit_code == 0


def test_an_answer_to_a_question_that_was_asked_anew_is_none(bench: Bench) -> None:
    """The engine was restarted while the question was shown, and asks with other changes."""
    plan = plan_of(step("one"), consent_at_start=True)
    running = bench.in_background(bench.engine(plan=plan))
    bench.until(lambda: bench.asked("start"))
    asked = bench.state.waiting_for[0].asked
    assert asked.expires is not None
    bench.ask("approve", "start", changes_digest="of other changes", expires=asked.expires)
    bench.ask("approve", "start", expires=asked.expires - timedelta(seconds=1))
    bench.until(lambda: len(bench.state.warnings) == 2)
    assert "it answers a question that was asked anew since" in bench.state.warnings[0].text
    assert bench.asked("start")
    assert bench.world.effects == []
    bench.ask("approve", "start", changes_digest=asked.changes_digest, expires=asked.expires)
    assert running.wait().exit_code == 0


@pytest.mark.parametrize("verb", ["approve", "retry", "skip"])
def test_an_answer_after_the_questions_end_is_too_late_even_if_nobody_noticed_the_end(
    verb: Any,
) -> None:
    """An engine that stood still finds the end and the answer at the same moment."""
    asked = ConsentAsked(step="consent", what="approval", of="commander")
    begun = RunStarted(
        plan=plan_of(step("one")), mode=Mode.LIVE, requester="tester", host="h", pid=1,
        version="0", engine="direct",
    )  # fmt: skip
    desk = Desk("orders", Quorum("r1", begun))
    waiter = Waiter(asked, ends=100.0)
    desk.put(waiter)
    said = {"service": "orders", "by": "chief", "at": datetime.now(UTC), "verb": verb}
    request = Request.model_validate({"run": "r1", "step": "consent", **said})
    if verb == "approve":
        answered, (given, warned) = desk.answer(request, now=100.5)
    else:
        directed = StepDirected(step="consent", verb=verb, by="chief")
        decided = desk.decide(request, directed, now=100.5)
        assert decided is not None
        answered, (given, warned) = decided
    assert answered is waiter
    assert isinstance(given, ConsentGiven)
    assert given.decision == "expired"
    assert isinstance(warned, Warned)
    assert "too late" in warned.text


def test_a_denied_approval_aborts(bench: Bench) -> None:
    running = bench.in_background(bench.engine(*chain(approval("consent"), step("one"))))
    bench.until(lambda: bench.asked("consent"))
    bench.ask("deny", "consent", reason="not now")
    ended = running.wait()
    assert (ended.exit_code, ended.reason) == (4, "step consent: denied by chief: not now")


def test_another_result_than_was_shown_asks_again(bench: Bench) -> None:
    steps = chain(
        approval("consent"),
        step("look", "bench.is", key="target", value="b"),
        step("one", value="{{ steps.look.value }}", place=None),
    )
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.asked("consent"))
    bench.ask("approve", "consent")
    bench.world.put("target", "b")
    bench.until(lambda: bench.asked("one"))
    assert bench.world.get("one") == ""
    assert "one: nothing -> b" in bench.state.waiting_for[0].asked.text
    bench.ask("approve", "one")
    assert running.wait().exit_code == 0
    assert bench.world.get("one") == "b"


class Guarded(Set):
    """A change that is right only as long as its guard stands open."""

    def observe(self, look: Look) -> Seen:
        return super().observe(look).model_copy(update={"want": world_of(look).get("guard")})

    def reason_not_to_apply(self, seen: Seen, facts: Facts) -> str | None:
        return "the fence is too old" if seen.want == "shut" else None


def test_what_was_judged_before_a_person_was_asked_is_judged_again(bench: Bench) -> None:
    steps = chain(
        approval("consent"),
        step("look", "bench.is", key="target", value="b"),
        step(
            *("one", "bench.guarded"),
            key="one",
            value="{{ steps.look.value }}",
            place=None,
            one_way=True,
        ),
    )
    ports = replace(bench.ports(), entries=Catalog({**ENTRIES, "bench.guarded": Guarded}))
    running = bench.in_background(bench.engine(*steps, ports=ports))
    bench.until(lambda: bench.asked("consent"))
    bench.ask("approve", "consent")
    bench.world.put("target", "b")
    bench.until(lambda: bench.asked("one"))
    bench.world.put("guard", "shut")
    bench.ask("approve", "one")
    ended = running.wait()
    assert (ended.exit_code, ended.reason) == (3, "step one: the fence is too old")
    assert bench.world.get("one") == ""
    assert bench.state.step("one").intent_at is None


def test_a_manual_step_waits_for_a_person(bench: Bench) -> None:
    manual = step("by_hand", "manual", kind=StepKind.MANUAL, instructions="turn the key")
    running = bench.in_background(bench.engine(*chain(manual, step("one"))))
    bench.until(lambda: bench.asked("by_hand"))
    bench.ask("approve", "by_hand")
    assert running.wait().exit_code == 0


def test_a_dry_run_asks_nobody(bench: Bench) -> None:
    steps = chain(approval("consent"), step("one"))
    plan = plan_of(*steps, consent_at_start=True)
    assert bench.execute(plan=plan, mode=Mode.DRY_RUN).exit_code == 0
    assert bench.state.step("consent").reason == "would ask commander for consent"


def test_an_abort_leaves_what_was_not_begun(bench: Bench) -> None:
    promote = step("promote", "bench.promote")
    steps = chain(step("fence", "bench.fence"), step("look", "bench.is", key="x"), promote)
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("abort")
    ended = running.wait()
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 4)
    assert ended.world is World.FENCED
    assert bench.outcomes() == {"fence": "succeeded", "look": "aborted", "promote": "pending"}


def test_an_abort_does_not_wait_for_what_may_take_hours(bench: Bench) -> None:
    steps = chain(step("one", lies=True, deadline=Duration(3600)), step("two"))
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.world.effects)
    bench.ask("abort")
    ended = running.wait()
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 4)
    assert bench.outcomes() == {"one": "aborted", "two": "pending"}
    assert "its effect may be there" in bench.state.step("one").reason


@pytest.mark.parametrize("unreachable", [False, True], ids=["fails", "is not reached any more"])
def test_an_abort_does_not_try_for_hours_what_does_not_come_about(
    bench: Bench, unreachable: bool
) -> None:
    steps = chain(step("one", fails=1_000_000, deadline=Duration(3600)), step("two"))
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.world.effects)
    if unreachable:
        bench.world.put("one.unreachable", "yes")
    bench.ask("abort")
    ended = running.wait()
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 4)
    reason = bench.state.step("one").reason
    missing = "does not answer" if unreachable else "not this time"
    assert reason == f"the run was aborted; its effect may be there (one: {missing})"


def test_a_failure_is_asked_about(bench: Bench) -> None:
    steps = (step("one", fails=1, attempts=1, on_failure=OnFailure.ASK),)
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.asked("one"))
    bench.ask("approve", "one")
    assert running.wait().exit_code == 0
    assert bench.world.effects == ["one=yes", "one=yes"]


def test_a_statement_lets_a_fence_go_on(bench: Bench) -> None:
    bench.world.put("fence.unreachable", "yes")
    steps = chain(step("fence", "bench.fence"), step("promote", "bench.promote"))
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.state.warnings if bench.events else None)
    assert "drtool state r1 fence --service orders" in bench.state.warnings[0].text
    bench.ask("state", "fence", reason="")
    bench.ask("state", "fence", reason="I pulled the cable")
    assert running.wait().exit_code == 0
    assert bench.state.statements[0].statement.reason == "I pulled the cable"


def test_a_word_for_one_fence_is_none_for_another(bench: Bench) -> None:
    for name in ("one", "two"):
        bench.world.put(f"{name}.unreachable", "yes")
    fences = [step(name, "bench.fence", deadline=Duration(1)) for name in ("one", "two")]
    running = bench.in_background(bench.engine(*chain(*fences, step("promote", "bench.promote"))))
    bench.until(lambda: bench.state.warnings if bench.events else None)
    bench.ask("state", "one", reason="I pulled its plug")
    assert running.wait().outcome is Outcome.REFUSED
    assert bench.outcomes() == {"one": "succeeded", "two": "refused", "promote": "pending"}


def test_a_word_given_beforehand_is_of_the_whole_site(bench: Bench) -> None:
    for name in ("one", "two"):
        bench.world.put(f"{name}.unreachable", "yes")
    said = Statement(by="chief", reason="it is on fire", at=datetime.now(UTC))
    fences = [step(name, "bench.fence") for name in ("one", "two")]
    steps = chain(*fences, step("promote", "bench.promote"))
    assert bench.execute(*steps, statement=said).exit_code == 0


def test_a_statement_can_be_given_beforehand(bench: Bench) -> None:
    bench.world.put("fence.unreachable", "yes")
    said = Statement(by="chief", reason="it is on fire", at=datetime.now(UTC))
    steps = chain(step("fence", "bench.fence"), step("promote", "bench.promote"))
    assert bench.execute(*steps, statement=said).exit_code == 0
    assert bench.state.statements[0].step == "fence"


def test_a_fence_that_is_not_proven_refuses_at_its_deadline(bench: Bench) -> None:
    bench.world.put("fence.unreachable", "yes")
    steps = chain(
        step("fence", "bench.fence", deadline=Duration(0.3)), step("promote", "bench.promote")
    )
    ended = bench.execute(*steps)
    assert (ended.outcome, ended.exit_code) == (Outcome.REFUSED, 3)
    assert "the fence is not proven" in ended.reason
    assert "drtool explain r1" in ended.hint
    assert bench.world.effects == []


def test_a_command_in_doubt_is_asked_about(bench: Bench) -> None:
    steps = (step("one", "bench.run", script="one", trace=False, doubt=True),)
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.asked("one"))
    bench.ask("deny", "one")
    assert running.wait().exit_code == 5
    assert bench.world.effects == ["run:one"]
