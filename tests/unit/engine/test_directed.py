"""What people ask of single steps: to try again, or to go on without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from engine_bench import Bench, Running, approval, chain, failover_steps, plan_of, step

from drtool.engine.run import Engine
from drtool.model.event import (
    ConsentAsked,
    ConsentGiven,
    StepIntent,
    StepStarted,
    Via,
    World,
)
from drtool.model.plan import Objectives
from drtool.model.purpose import OnFailure, Outcome, Purpose, StepKind
from drtool.model.steering import StepDirected
from drtool.units import Duration


def warned(bench: Bench, text: str) -> Callable[[], bool]:
    return lambda: any(text in one.text for one in bench.state.warnings)


def asking(bench: Bench, *more: object) -> object:
    one = step("one", "bench.is", key="x", attempts=1, on_failure=OnFailure.ASK)
    running = bench.in_background(bench.engine(*chain(one, *more)))  # type: ignore[arg-type]
    bench.until(lambda: bench.asked("one"))
    return running


def test_a_step_that_waits_for_a_decision_is_tried_again(bench: Bench) -> None:
    running = asking(bench, step("two"))
    bench.world.put("x", "yes")
    bench.ask("retry", "one", by="ann")
    assert running.wait().exit_code == 0  # type: ignore[attr-defined]
    assert bench.state.step("one").attempts == 2
    assert [(one.asked.verb, one.asked.by) for one in bench.state.directed] == [("retry", "ann")]


def doubtful(bench: Bench) -> Running:
    """A script that leaves no trace: each run of it is asked about."""
    one = step("one", "bench.run", script="one", trace=False, doubt=True)
    running = bench.in_background(bench.engine(one))
    bench.until(lambda: bench.asked("one"))
    return running


def test_a_word_that_was_meant_for_an_earlier_doubt_answers_no_later_one(bench: Bench) -> None:
    """Two people read the same question; the second one's word comes when there is another."""
    running = doubtful(bench)
    read = bench.state.consents[0].asked.expires
    bench.ask("retry", "one", by="ann", expires=read)
    bench.until(lambda: len(bench.state.consents) == 2 and bench.asked("one"))
    for verb in ("retry", "skip"):
        bench.ask(verb, "one", by="ben", expires=read)
        bench.until(warned(bench, f"{verb} by ben: it answers a question that was asked anew"))
    assert bench.world.effects == ["run:one"] * 2
    assert bench.asked("one")
    bench.ask("deny", "one")
    assert running.wait().outcome is Outcome.IN_DOUBT
    assert [one.asked.by for one in bench.state.directed] == ["ann"]
    assert len(bench.world.effects) == len(bench.state.consents)


def test_a_retry_that_an_engine_took_and_did_not_settle_runs_nothing_again(bench: Bench) -> None:
    bench.engine(step("one", "bench.run", script="one", trace=False)).begin()
    asked = ConsentAsked(step="one", what="decision", text="?", expires=bench.clock.wall())
    begun = (StepStarted(step="one", via=Via.DIRECT), StepIntent(step="one", seen={}, changes=()))
    bench.journal.append(
        bench.run,
        *begun,
        asked,
        StepDirected(step="one", verb="retry", by="ann"),
        ConsentGiven(step="one", decision="approved", by="ann"),
        *begun,
    )
    bench.ask("retry", "one", by="ann", expires=asked.expires)
    running = bench.in_background(Engine.resume(bench.events, bench.ports(), by="tester"))
    bench.until(lambda: bench.asked("one"))
    bench.until(warned(bench, "retry by ann: "))
    assert bench.asked("one")
    bench.ask("abort")
    running.wait()
    assert bench.world.effects == []


def test_another_try_is_for_who_has_read_the_question(bench: Bench) -> None:
    running = doubtful(bench)
    bench.ask("retry", "one", expires=None)
    bench.until(warned(bench, "this one is to be read first; step one still waits"))
    bench.ask("deny", "one")
    running.wait()
    assert bench.world.effects == ["run:one"]


def test_who_answers_second_is_told_who_was_first(bench: Bench) -> None:
    bench.limits = replace(bench.limits, consent_tick=0.3)
    running = asking(bench, step("two", "bench.is", key="y"))
    read = bench.state.consents[0].asked.expires
    for person in ("ann", "ben"):
        bench.ask("skip", "one", by=person, expires=read)
    bench.until(warned(bench, "skip by ben: "))
    told = bench.state.warnings[0].text
    assert "the first decision counts" in told or "ann has it left out already" in told
    bench.world.put("y", "yes")
    running.wait()  # type: ignore[attr-defined]
    assert bench.state.step("one").skipped_by == "ann"


def test_a_step_between_two_looks_looks_at_once(bench: Bench) -> None:
    one = step("one", "bench.is", key="x", every=Duration(600), deadline=Duration(3600))
    running = bench.in_background(bench.engine(one))
    bench.until(lambda: bench.world.effects == ["look:x"])
    bench.world.put("x", "yes")
    bench.ask("retry", "one")
    assert running.wait().exit_code == 0
    assert bench.world.effects == ["look:x"] * 2


def test_a_step_that_waits_for_a_decision_is_left_out(bench: Bench) -> None:
    running = asking(bench, step("two"))
    bench.ask("skip", "one", by="ann", reason="x is known")
    assert running.wait().outcome is Outcome.SUCCEEDED  # type: ignore[attr-defined]
    one = bench.state.step("one")
    assert (one.outcome, one.skipped_by) == (Outcome.SKIPPED, "ann")
    assert one.reason == "left out by ann: x is known"
    given = bench.state.consents[0].given
    assert given is not None
    assert given.decision == "skipped"


def test_who_leaves_out_what_was_not_shown_has_not_approved_it(bench: Bench) -> None:
    steps = chain(
        approval("consent"),
        step("look", "bench.is", key="target", value="b", purpose=Purpose.ASSESS),
        step("smoke", "bench.run", script="{{ steps.look.value }}", purpose=Purpose.VERIFY,
             one_way=True),
    )  # fmt: skip
    bench.world.put("target", "b")
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.asked("consent"))
    bench.ask("approve", "consent")
    bench.until(lambda: bench.asked("smoke"))
    bench.ask("skip", "smoke", by="ann", reason="do not run it")
    assert running.wait().exit_code == 6
    smoke = bench.state.step("smoke")
    assert (smoke.outcome, smoke.skipped_by) == (Outcome.SKIPPED, "ann")
    assert "run:b" not in bench.world.effects


def test_a_check_that_still_looks_is_left_out(bench: Bench) -> None:
    steps = chain(step("one", "bench.is", key="x", purpose=Purpose.ASSESS), step("two"))
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("skip", "one")
    assert running.wait().exit_code == 0
    assert bench.outcomes() == {"one": "skipped", "two": "succeeded"}


def test_a_manual_step_is_left_out_and_its_question_answered(bench: Bench) -> None:
    manual = step("one", "manual", kind=StepKind.MANUAL, instructions="turn the key")
    running = bench.in_background(bench.engine(*chain(manual, step("two"))))
    bench.until(lambda: bench.asked("one"))
    bench.ask("skip", "one")
    assert running.wait().exit_code == 0
    assert bench.state.step("one").skipped_by == "chief"
    assert bench.state.waiting_for == ()


def test_a_step_that_has_not_begun_is_left_out_when_its_turn_comes(bench: Bench) -> None:
    steps = chain(step("one", "bench.is", key="x"), step("two"), step("three"))
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("skip", "two")
    bench.until(lambda: bench.state.left_out("two") is not None)
    assert bench.outcomes() == {"one": "running", "two": "pending", "three": "pending"}
    bench.world.put("x", "yes")
    ended = running.wait()
    assert (ended.exit_code, ended.reason) == (6, "two was left out by chief")
    assert bench.outcomes() == {"one": "succeeded", "two": "skipped", "three": "succeeded"}
    assert "two=yes" not in bench.world.effects


def test_what_is_left_out_once_is_left_out(bench: Bench) -> None:
    steps = chain(step("one", "bench.is", key="x"), step("two"))
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("skip", "two", by="ann")
    bench.ask("skip", "two", by="ben")
    bench.until(warned(bench, "skip by ben: step two: ann has it left out already"))
    bench.world.put("x", "yes")
    running.wait()
    bench.until(lambda: bench.state.step("two").skipped_by == "ann")


def test_a_run_whose_last_step_is_left_out_ends(bench: Bench) -> None:
    running = bench.in_background(bench.engine(*chain(step("one", "bench.is", key="x"),
                                                      step("two"))))  # fmt: skip
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("skip", "two")
    bench.until(lambda: bench.state.left_out("two") is not None)
    bench.world.put("x", "yes")
    assert running.wait().outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("consent", "step consent: is an approval: it is given or denied, not left out"),
        ("fence", "step fence: is a fence: without it two sites may write"),
        ("promote", "step promote: is the promotion: without it nobody takes over"),
        ("seen", "step told refers to what it sees, and could not run"),
        ("nobody", "has no step 'nobody'"),
        ("gate", "is at work, and may have changed something already"),
    ],
)
def test_what_cannot_be_left_out(bench: Bench, name: str, said: str) -> None:
    steps = chain(
        step("gate", lies=True),
        approval("consent"),
        step("fence", "bench.fence"),
        step("promote", "bench.promote"),
        step("seen", "bench.is", key="y"),
        step("told", value="{{ steps.seen.value }}"),
    )
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.world.effects)
    bench.ask("skip", name)
    bench.until(warned(bench, said))
    bench.ask("abort")
    running.wait()
    assert bench.state.directed == ()


def test_a_skip_needs_a_reason(bench: Bench) -> None:
    running = asking(bench)
    bench.ask("skip", "one", reason=" ")
    bench.until(warned(bench, "no reason is given for leaving it out"))
    bench.ask("abort")
    running.wait()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("one", "waits for the manual, not for another try"),
        ("two", "has not begun"),
        ("zero", "has ended: succeeded"),
    ],
)
def test_what_cannot_be_tried_again(bench: Bench, name: str, said: str) -> None:
    manual = step("one", "manual", kind=StepKind.MANUAL, instructions="turn the key")
    running = bench.in_background(bench.engine(*chain(step("zero"), manual, step("two"))))
    bench.until(lambda: bench.asked("one"))
    bench.ask("retry", name)
    bench.until(warned(bench, said))
    bench.ask("abort")
    running.wait()


def test_a_verification_that_is_left_out_lets_nothing_be_met(bench: Bench) -> None:
    """One of two: the other one did see the service answer."""
    steps = chain(
        *failover_steps()[:4],
        step("accepted", "bench.is", key="redirect"),
        step("confirmed", "bench.is", key="never"),
    )
    objectives = Objectives(rto=Duration(300))
    engine = bench.engine(plan=plan_of(*steps, objectives=objectives),
                          outage_start=bench.clock.wall())  # fmt: skip
    running = bench.in_background(engine)
    bench.until(lambda: "look:never" in bench.world.effects)
    bench.ask("skip", "confirmed", by="ann", reason="the page is known to hang")
    ended = running.wait()
    assert (ended.outcome, ended.exit_code) == (Outcome.SUCCEEDED, 6)
    assert ended.world is World.REDIRECTED
    assert ended.verdicts[0].met is None
    assert "not judged: confirmed was left out by ann" in ended.verdicts[0].text
