"""F01 to F04, F06, F07, F10: the engine's process is killed, and what it began is taken up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import engine_bench
import pytest
from engine_bench import Bench, failover_steps
from fault_record import Fault

from drtool.engine.run import Engine
from drtool.model.event import World
from drtool.model.purpose import Outcome

pytestmark = pytest.mark.faults

ONCE = ["prepare=yes", "fence=yes", "promote=yes", "redirect=yes", "run:script", "told:done"]
FINAL = dict.fromkeys(("prepare", "fence", "promote", "redirect"), "yes") | {"trace.script": "done"}


def engine(directory: Path, verb: str = "run", **environment: str) -> subprocess.Popen[bytes]:
    """The engine of the small failover as a process of its own."""
    return subprocess.Popen(
        [sys.executable, engine_bench.__file__, str(directory), verb],
        env=os.environ | environment,
        stderr=subprocess.PIPE,
    )


def killed_at(directory: Path, name: str, verb: str = "run") -> None:
    """Run until the crash point; the injection must have taken effect."""
    process = engine(directory, verb, DRTOOL_CRASH_AT=name)
    _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, f"{name}: {said.decode()}"


def changes(bench: Bench) -> list[str]:
    """The effects, without looks."""
    return [one for one in bench.world.effects if not one.startswith("look:")]


def same_world_as_undisturbed(bench: Bench) -> None:
    state = bench.state
    assert state.ended is not None
    assert state.ended.outcome is Outcome.SUCCEEDED, state.ended
    assert state.ended.world is World.RECOVERED
    assert bench.world.all() == FINAL
    assert sorted(set(changes(bench))) == sorted(ONCE)
    assert bench.journal.verify() == []


@pytest.mark.parametrize("step", ["prepare", "fence", "promote", "redirect", "script"])
def test_f01_killed_before_the_intent_runs_once(tmp_path: Path, step: str, fault: Fault) -> None:
    killed_at(tmp_path, f"step.before-intent {step}")
    bench = Bench(tmp_path)
    assert bench.state.step(step).intent_at is None
    fault.injected(f"the engine was killed before the intent of {step}")
    bench.resume()
    assert changes(bench) == ONCE
    same_world_as_undisturbed(bench)


@pytest.mark.parametrize("step", ["prepare", "fence", "promote", "redirect"])
def test_f02_killed_after_the_intent_runs_once(tmp_path: Path, step: str, fault: Fault) -> None:
    killed_at(tmp_path, f"step.intent-written {step}")
    bench = Bench(tmp_path)
    assert bench.state.step(step).mid_effect
    fault.injected(f"the engine was killed after the intent of {step}")
    bench.resume()
    assert changes(bench) == ONCE
    same_world_as_undisturbed(bench)


def test_f02_a_command_that_leaves_no_trace_yet_is_asked_about(
    tmp_path: Path, fault: Fault
) -> None:
    killed_at(tmp_path, "step.intent-written script")
    bench = Bench(tmp_path)
    running = bench.in_background(Engine.resume(bench.events, bench.ports(), by="tester"))
    bench.until(lambda: bench.asked("script"))
    assert "run:script" not in bench.world.effects
    fault.injected("the engine was killed after the intent of script, which left no trace")
    bench.ask("approve", "script")
    running.wait()
    assert changes(bench) == ONCE
    same_world_as_undisturbed(bench)


@pytest.mark.parametrize("step", ["prepare", "fence", "promote", "redirect", "script"])
def test_f03_killed_after_the_effect_adopts_it(tmp_path: Path, step: str, fault: Fault) -> None:
    killed_at(tmp_path, f"step.effect-applied {step}")
    bench = Bench(tmp_path)
    assert bench.state.step(step).mid_effect
    assert bench.state.world_if_stopped is World.IN_DOUBT
    fault.injected(f"the engine was killed after the effect of {step}")
    bench.resume()
    assert changes(bench) == ONCE
    assert bench.state.step(step).adopted
    same_world_as_undisturbed(bench)


@pytest.mark.parametrize("step", ["prepare", "fence", "promote", "redirect", "script"])
def test_f04_killed_after_done_skips_it(tmp_path: Path, step: str, fault: Fault) -> None:
    killed_at(tmp_path, f"step.outcome-written {step}")
    bench = Bench(tmp_path)
    assert bench.state.step(step).outcome is Outcome.SUCCEEDED
    fault.injected(f"the engine was killed after {step} was done")
    attempts = bench.state.step(step).attempts
    bench.resume()
    assert bench.state.step(step).attempts == attempts
    assert changes(bench) == ONCE
    same_world_as_undisturbed(bench)


def test_every_crash_point_there_is_ends_in_the_same_world(tmp_path: Path) -> None:
    clean = tmp_path / "clean"
    clean.mkdir()
    names = tmp_path / "names"
    undisturbed = engine(clean, DRTOOL_CRASH_LIST=str(names))
    undisturbed.communicate(timeout=60)
    assert undisturbed.returncode == 0
    generic = sorted({name for name in names.read_text().splitlines() if " " not in name})
    assert len(generic) >= 8
    for name in generic:
        directory = tmp_path / name.replace(".", "_")
        directory.mkdir()
        killed_at(directory, name)
        bench = Bench(directory)
        if bench.events and bench.state.ended is None:
            bench.resume()
            same_world_as_undisturbed(bench)
        bench.journal.close()


def test_f06_killed_while_resuming_five_deep(tmp_path: Path, fault: Fault) -> None:
    killed_at(tmp_path, "step.effect-applied prepare")
    for name in (
        "run.resumed-written",
        "step.before-outcome",
        "step.effect-applied fence",
        "step.intent-written promote",
        "step.effect-applied redirect",
    ):
        killed_at(tmp_path, name, "resume")
    bench = Bench(tmp_path)
    assert len(bench.state.gaps) == 5
    fault.injected("killed, and killed in five resumes")
    bench.resume()
    assert changes(bench) == ONCE
    same_world_as_undisturbed(bench)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_f07_told_to_leave_in_mid_step(
    tmp_path: Path, number: signal.Signals, fault: Fault
) -> None:
    process = engine(tmp_path, "wait")
    bench = Bench(tmp_path)
    bench.until(lambda: "look:gate" in bench.world.effects, 30)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 8
    fault.injected(f"{number.name} in the middle of gate, and the engine has left")
    assert bench.state.ended is None
    bench.world.put("gate", "yes")
    bench.resume()
    assert changes(bench) == ONCE
    assert bench.state.ended is not None


def test_f10_an_action_raises_anything(tmp_path: Path, fault: Fault) -> None:
    bench = Bench(tmp_path)
    steps = [
        one.model_copy(update={"fields": {**one.fields, "raises": "boom"}})
        if one.name == "redirect"
        else one
        for one in failover_steps()
    ]
    ended = bench.execute(*steps)
    reason = bench.state.step("redirect").reason
    assert "boom" in reason
    fault.injected("the action of redirect raised boom")
    assert (ended.outcome, ended.world) == (Outcome.FAILED, World.PROMOTED)
    assert bench.kinds()[-1] == "lease.ended"
    fault.got(reason)
