"""An engine that takes a run up hears first what was asked while none was there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from engine_bench import Bench, Running, chain, plan_of, step

from drtool.engine.context import Signalled
from drtool.engine.run import Engine
from drtool.errors import Interrupted
from drtool.model.event import (
    Body,
    ConsentAsked,
    ConsentGiven,
    RunEnded,
    StepEnded,
    StepIntent,
    StepStarted,
    Via,
    Warned,
)
from drtool.model.plan import PlanStep
from drtool.model.purpose import OnFailure, Outcome, StepKind
from drtool.model.steering import StepDirected, UnwindAsked
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


def test_a_step_that_was_left_out_when_the_engine_died_is_left_out(bench: Bench) -> None:
    skip = StepDirected(step="one", verb="skip", by="ann", reason="known")
    left(bench, step("one", "bench.is", key="x"), step("two"),
         wrote=(StepStarted(step="one", via=Via.DIRECT), skip))  # fmt: skip
    assert resumed(bench).wait().reason == "one was left out by ann"
    one = bench.state.step("one")
    assert (one.outcome, one.skipped_by, one.reason) == (
        Outcome.SKIPPED, "ann", "left out by ann: known",
    )  # fmt: skip
    assert bench.world.effects == ["two=yes"]


def test_a_doubt_that_was_left_out_when_the_engine_died_is_left_out(bench: Bench) -> None:
    asked = ConsentAsked(step="one", what="decision", text="did it run?")
    skip = StepDirected(step="one", verb="skip", by="ann", reason="it ran")
    given = ConsentGiven(step="one", decision="skipped", by="ann", reason="it ran")
    left(bench, step("one", "bench.run", script="one", trace=False),
         wrote=(*began("one"), asked, skip, given))  # fmt: skip
    resumed(bench).wait()
    assert bench.state.step("one").skipped_by == "ann"
    assert bench.world.effects == []


def test_what_is_in_the_middle_of_an_effect_is_looked_at_whoever_left_it_out(bench: Bench) -> None:
    skip = StepDirected(step="one", verb="skip", by="ann", reason="too slow")
    left(bench, step("one"), step("two"), wrote=(*began("one"), skip))
    bench.world.put("one", "yes")
    assert resumed(bench).wait().exit_code == 0
    assert bench.state.step("one").adopted


@pytest.mark.parametrize("same", [True, False])
def test_a_skip_of_the_question_that_an_engine_left_needs_no_other(
    bench: Bench, same: bool
) -> None:
    one = step("one", "bench.run", script="one", trace=False, doubt=True)
    asked = killed_while_it_asks(bench, one)
    assert asked.expires is not None
    read = asked.expires if same else asked.expires - timedelta(seconds=9)
    bench.ask("skip", "one", by="ann", expires=read)
    running = resumed(bench)
    if not same:
        bench.until(warned(bench, "skip by ann: step one does not wait for anybody"))
        bench.until(lambda: bench.asked("one"))
        bench.ask("deny", "one")
    running.wait()
    assert bench.outcomes() == {"one": "skipped" if same else "in doubt"}
    assert bench.state.consents[0].given is not None
    assert bench.state.consents[0].given.decision == ("skipped" if same else "expired")
    assert bench.world.effects == ["run:one"]


@pytest.mark.parametrize("crash", ["request.taken", "request.settled"])
def test_killed_when_a_skip_was_taken_it_is_left_out_and_said_once(
    bench: Bench, crash: str
) -> None:
    engine = subprocess.Popen(
        [sys.executable, __file__, str(bench.directory)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "DRTOOL_CRASH_AT": crash},
    )
    bench.until(lambda: "look:gate" in bench.world.effects, 20)
    bench.ask("skip", "gate", by="ann", reason="known")
    assert engine.wait(20) == -signal.SIGKILL
    assert bench.outcomes() == {"gate": "running", "one": "pending"}
    looks = bench.world.effects.count("look:gate")
    resumed(bench).wait()
    assert bench.outcomes() == {"gate": "skipped", "one": "succeeded"}
    assert bench.world.effects.count("look:gate") == looks
    assert [one.asked.by for one in bench.state.directed] == ["ann"]


def main(directory: str) -> RunEnded:
    return Bench(Path(directory)).execute(
        *chain(step("gate", "bench.is", key="gate", deadline=Duration(60)), step("one"))
    )


if __name__ == "__main__":
    main(sys.argv[1])
