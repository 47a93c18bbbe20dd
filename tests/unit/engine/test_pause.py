"""A paused run begins nothing more, whatever happens to its engine meanwhile."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
from engine_bench import Bench, approval, chain, plan_of, step

from drtool.engine.context import Signalled
from drtool.engine.run import Engine
from drtool.errors import Interrupted
from drtool.model.purpose import OnFailure, Outcome, StepKind
from drtool.units import Duration


def paused(bench: Bench) -> bool:
    return bool(bench.events) and bench.state.paused is not None


def warned(bench: Bench, text: str) -> bool:
    return any(text in one.text for one in bench.state.warnings)


def test_what_runs_goes_to_its_end_and_nothing_more_begins(bench: Bench) -> None:
    running = bench.in_background(bench.engine(*chain(step("one", "bench.is", key="x"),
                                                      step("two"))))  # fmt: skip
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("pause", reason="wait for the storage team")
    bench.until(lambda: paused(bench))
    bench.world.put("x", "yes")
    bench.until(lambda: bench.outcomes()["one"] == "succeeded")
    bench.ask("pause")  # taken in turn: when it is answered, nothing has begun meanwhile
    bench.until(lambda: warned(bench, "chief has paused it already"))
    assert bench.outcomes()["two"] == "pending"
    bench.ask("continue", by="ann", reason="storage is well")
    assert running.wait().exit_code == 0
    pause = bench.state.pauses[0]
    assert (pause.asked.by, pause.asked.reason) == ("chief", "wait for the storage team")
    assert pause.over is not None
    assert (pause.over.by, pause.over.reason) == ("ann", "storage is well")


def test_a_pause_survives_the_engine(bench: Bench) -> None:
    engine = bench.engine(*chain(step("one", "bench.is", key="x"), step("two")))
    running = bench.in_background(engine)
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("pause")
    bench.until(lambda: paused(bench))
    engine._context.inbox.put(Signalled(signal.SIGTERM))
    with pytest.raises(Interrupted):
        running.wait()
    bench.world.put("x", "yes")
    resumed = bench.in_background(Engine.resume(bench.events, bench.ports(), by="tester"))
    bench.until(lambda: bench.outcomes()["one"] == "succeeded")
    bench.ask("pause")
    bench.until(lambda: warned(bench, "has paused it already"))
    assert bench.outcomes()["two"] == "pending"
    bench.ask("continue")
    assert resumed.wait().exit_code == 0


def test_a_pause_before_the_consent_holds_after_it(bench: Bench) -> None:
    running = bench.in_background(bench.engine(plan=plan_of(step("one"), consent_at_start=True)))
    bench.until(lambda: bench.asked("start"))
    bench.ask("pause")
    bench.until(lambda: paused(bench))
    bench.ask("approve", "start")
    bench.until(lambda: not bench.state.waiting_for)
    bench.ask("pause")
    bench.until(lambda: warned(bench, "has paused it already"))
    assert bench.outcomes() == {"one": "pending"}
    bench.ask("continue")
    assert running.wait().exit_code == 0


def test_a_question_that_waits_keeps_its_end(bench: Bench) -> None:
    steps = chain(approval("consent", budget=Duration(0.3)), step("one"))
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: bench.asked("consent"))
    expires = bench.state.waiting_for[0].asked.expires
    bench.ask("pause")
    ended = running.wait()
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 4)
    assert bench.state.consents[0].asked.expires == expires
    assert bench.state.consents[0].given is not None
    assert bench.state.consents[0].given.decision == "expired"


def test_a_paused_run_takes_nothing_back_before_it_is_continued(bench: Bench) -> None:
    steps = chain(
        step("one", "bench.prepare"),
        step("two", "bench.is", key="x", deadline=Duration(0.3), on_failure=OnFailure.UNWIND),
    )
    running = bench.in_background(bench.engine(*steps))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("pause")
    bench.until(lambda: bench.outcomes()["two"] == "failed")
    bench.ask("pause")
    bench.until(lambda: warned(bench, "has paused it already"))
    assert "undo:one" not in bench.world.effects
    bench.ask("continue")
    assert running.wait().outcome is Outcome.UNWOUND
    assert "undo:one" in bench.world.effects


def test_a_paused_run_whose_last_step_ends_is_over(bench: Bench) -> None:
    running = bench.in_background(bench.engine(step("one", "bench.is", key="x")))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("pause")
    bench.until(lambda: paused(bench))
    bench.world.put("x", "yes")
    assert running.wait().exit_code == 0


def test_what_is_not_paused_is_not_continued(bench: Bench) -> None:
    running = bench.in_background(bench.engine(step("one", "bench.is", key="x")))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("continue")
    bench.until(lambda: warned(bench, "continue by chief: run r1: is not paused"))
    bench.world.put("x", "yes")
    assert running.wait().exit_code == 0
    assert bench.state.pauses == ()


@pytest.mark.parametrize("waits", ["consent", "approval", "manual", "decision", "pause", "check",
                                   "call"])  # fmt: skip
def test_an_abort_ends_every_kind_of_wait(bench: Bench, waits: str) -> None:
    """It reaches a named state; a step that hangs in a call is left at its deadline."""
    first = {
        "approval": approval("wait"),
        "manual": step("wait", "manual", kind=StepKind.MANUAL, instructions="turn the key"),
        "decision": step("wait", "bench.is", key="x", attempts=1, on_failure=OnFailure.ASK),
        "call": step("wait", hangs=True, deadline=Duration(0.3)),
    }.get(waits, step("wait", "bench.is", key="x"))
    bench.limits = replace(bench.limits, consent=60.0)
    plan = plan_of(*chain(first, step("two")), consent_at_start=waits == "consent")
    running = bench.in_background(bench.engine(plan=plan))
    bench.until(lambda: _waits(bench, waits))
    if waits == "pause":
        bench.ask("pause")
        bench.until(lambda: paused(bench))
        bench.world.put("x", "yes")
        bench.until(lambda: bench.outcomes()["wait"] == "succeeded")
    bench.ask("abort", reason="enough")
    ended = running.wait()
    in_call = waits == "call"
    assert ended.outcome is (Outcome.IN_DOUBT if in_call else Outcome.ABORTED)
    assert in_call or ended.reason == "chief asked to abort: enough"
    assert bench.outcomes()["two"] == "pending"
    assert ended.world.value in {"untouched", "in doubt"}


def _waits(bench: Bench, waits: str) -> bool:
    if waits == "call":
        return "wait=yes" in bench.world.effects
    if waits in {"check", "pause"}:
        return "look:x" in bench.world.effects
    return bench.asked("start" if waits == "consent" else "wait")
