"""An engine that takes a run up hears first what was asked while none was there."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

import pytest
from engine_bench import Bench, Running, chain, plan_of, step

from drtool.engine.context import Signalled
from drtool.engine.run import Engine
from drtool.errors import Interrupted
from drtool.model.event import (
    Body,
    ConsentAsked,
    StepEnded,
    StepIntent,
    StepStarted,
    Via,
    Warned,
)
from drtool.model.plan import PlanStep
from drtool.model.purpose import OnFailure, Outcome, StepKind
from drtool.model.steering import UnwindAsked
from drtool.progress.explain import explain
from drtool.units import Duration


def left(bench: Bench, *steps: PlanStep, wrote: tuple[Body, ...] = (), **said: bool) -> None:
    """A run whose engine is gone after it wrote that; the next one looks seldom for requests."""
    bench.limits = replace(bench.limits, tick=0.2)
    bench.engine(plan=plan_of(*chain(*steps), **said)).begin()
    bench.journal.append(bench.run, *wrote)


def began(name: str) -> tuple[Body, ...]:
    seen = {"value": "", "key": name, "want": "yes"}
    return (
        StepStarted(step=name, via=Via.DIRECT),
        StepIntent(step=name, seen=seen, changes=()),
    )


def done(bench: Bench, name: str) -> tuple[Body, ...]:
    bench.world.put(name, "yes")
    ended = StepEnded(step=name, outcome=Outcome.SUCCEEDED, via=Via.DIRECT)
    return (*began(name), ended)


def resumed(bench: Bench) -> Running:
    return bench.in_background(Engine.resume(bench.events, bench.ports(), by="tester"))


def warned(bench: Bench, text: str) -> Callable[[], bool]:
    return lambda: any(text in one.text for one in bench.state.warnings)


def killed_while_it_asks(bench: Bench, *steps: PlanStep) -> ConsentAsked:
    """The question that waited when the engine was told to leave."""
    engine = bench.engine(*chain(*steps))
    running = bench.in_background(engine)
    bench.until(lambda: bench.asked(steps[0].name))
    engine._context.inbox.put(Signalled(signal.SIGTERM))
    with pytest.raises(Interrupted):
        running.wait()
    return bench.state.waiting_for[0].asked


@pytest.mark.parametrize("verb", ["abort", "pause", "unwind", "skip"])
def test_nothing_begins_before_what_was_asked_meanwhile_is_heard(bench: Bench, verb: str) -> None:
    left(bench, step("one", "bench.prepare"), step("two"), wrote=done(bench, "one"))
    bench.ask(verb, "two" if verb == "skip" else "")
    running = resumed(bench)
    if verb == "pause":
        bench.until(lambda: bench.state.paused)
        bench.ask("pause")
        bench.until(warned(bench, "has paused it already"))
        bench.ask("abort")
    ended = running.wait()
    assert "two=yes" not in bench.world.effects
    assert {
        "abort": ended.outcome is Outcome.ABORTED,
        "pause": ended.outcome is Outcome.ABORTED,
        "unwind": ended.outcome is Outcome.UNWOUND and bench.world.effects == ["undo:one"],
        "skip": bench.outcomes() == {"one": "succeeded", "two": "skipped"},
    }[verb]


@pytest.mark.parametrize("there", [True, False])
def test_what_was_begun_is_looked_at_although_the_run_stops(bench: Bench, there: bool) -> None:
    left(bench, step("fence", "bench.fence"), step("promote", "bench.promote"),
         wrote=began("fence"))  # fmt: skip
    bench.world.put("fence", "yes" if there else "")
    bench.ask("abort")
    assert resumed(bench).wait().outcome is Outcome.ABORTED
    outcome = "succeeded" if there else "aborted"
    assert bench.outcomes() == {"fence": outcome, "promote": "pending"}
    assert bench.world.effects == []


def test_nobody_is_asked_to_begin_a_run_that_shall_stop(bench: Bench) -> None:
    left(bench, step("one"), consent_at_start=True)
    bench.ask("abort")
    assert resumed(bench).wait().outcome is Outcome.ABORTED
    assert bench.state.consents == ()


def test_an_abort_of_an_unwinding_says_what_stays(bench: Bench) -> None:
    unwinding = (UnwindAsked(by="ann"), Warned(about="unwinding", text="taking back"))
    left(bench, step("one", "bench.prepare"), step("two"),
         wrote=(*done(bench, "one"), *unwinding))  # fmt: skip
    bench.ask("abort")
    assert resumed(bench).wait().outcome is Outcome.ABORTED
    assert warned(bench, "an abort stopped the unwinding")()
    assert bench.world.effects == []


def test_an_answer_that_came_meanwhile_waits_for_its_question(bench: Bench) -> None:
    manual = step("one", "manual", kind=StepKind.MANUAL, instructions="turn the key")
    asked = killed_while_it_asks(bench, manual, step("two"))
    bench.ask("confirm", "one")
    assert resumed(bench).wait().exit_code == 0
    assert [one.asked for one in bench.state.consents] == [asked]


def test_a_decision_waits_no_more_once_its_step_goes_on(bench: Bench) -> None:
    one = step("one", fails=1, takes=1.0, attempts=1, on_failure=OnFailure.ASK)
    asked = killed_while_it_asks(bench, one, step("two"))
    running = resumed(bench)
    bench.until(lambda: bench.world.effects.count("one=yes") == 2)
    assert bench.state.waiting_for == ()
    assert "waiting for a person" not in explain(bench.state, alive=True).title
    bench.ask("skip", "one", expires=asked.expires)
    bench.until(warned(bench, "skip by chief: step one: is at work"))
    assert bench.outcomes()["two"] == "pending"
    assert running.wait().exit_code == 0
    assert bench.outcomes() == {"one": "succeeded", "two": "succeeded"}
    assert bench.state.directed == ()
    (consent,) = bench.state.consents
    assert consent.given is not None
    assert "the engine was gone before anybody decided" in consent.given.reason


def test_a_step_that_fails_again_asks_anew_with_all_the_time(bench: Bench) -> None:
    one = step("one", "bench.is", key="x", attempts=1, deadline=Duration(2),
               on_failure=OnFailure.ASK)  # fmt: skip
    asked = killed_while_it_asks(bench, one)
    assert asked.expires is not None
    bench.until(lambda: asked.expires and bench.clock.wall() > asked.expires)
    running = resumed(bench)
    bench.until(lambda: len(bench.state.consents) == 2)
    bench.world.put("x", "yes")
    bench.ask("retry", "one")
    assert running.wait().exit_code == 0
