"""F09: out of memory, where the kernel kills the engine, and where it is only refused more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import hungry_engine
import pytest
from engine_bench import Bench
from fault_record import Fault
from hungry_engine import ROOM, hungry_ports
from watched_runs import bench_in

from drtool.engine.run import Engine
from drtool.model.event import World
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.faults, pytest.mark.slow_fault, pytest.mark.timeout(200)]

ONCE = ["prepare=yes", "fence=yes", "promote=yes", "redirect=yes", "run:script", "told:done"]
GROUPS = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),  # version 1
    (Path("/sys/fs/cgroup"), "memory.max"),  # version 2
)


@pytest.fixture
def little_memory() -> Iterator[Path]:
    """A group of processes that the kernel kills when they want more than a little."""
    for root, limit in GROUPS:
        group = root / f"drtool-test-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            try:
                (group / limit).write_text(str(ROOM))
            except OSError:
                group.rmdir()
                continue
            yield group
            group.rmdir()
            return
    pytest.skip("this machine lets us make no memory cgroup")


def engine(home: Path, group: Path | None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, hungry_engine.__file__, str(home), str(group or "")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def changes(bench: Bench) -> list[str]:
    return [one for one in bench.world.effects if not one.startswith("look:")]


@pytest.mark.parametrize("when", ["before", "after"])
def test_f09_killed_for_its_memory_in_mid_effect_is_taken_up(
    tmp_path: Path, little_memory: Path, when: str, fault: Fault
) -> None:
    """As F02 before the effect and as F03 after it."""
    bench = bench_in(tmp_path)
    bench.world.put("hungry", when)
    killed = engine(tmp_path, little_memory)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    fault.injected(f"the kernel killed the engine for its memory {when} the effect")
    assert bench.state.step("promote").mid_effect
    assert ("promote=yes" in changes(bench)) == (when == "after")
    status = subprocess.run(
        [sys.executable, "-m", "drtool", "status", "r1"], capture_output=True, text=True,
        env={**os.environ, "DRTOOL_HOME": str(tmp_path), "COLUMNS": "200"}, check=True,
    )  # fmt: skip
    assert "its engine is gone since" in status.stdout
    bench.world.put("hungry", "no")
    ports = replace(hungry_ports(bench), pulse=None)
    ended = Engine.resume(bench.events, ports, by="tester").execute()
    assert (ended.outcome, ended.world) == (Outcome.SUCCEEDED, World.RECOVERED)
    assert changes(bench) == ONCE
    assert bench.state.step("promote").adopted == (when == "after")
    assert bench.journal.verify() == []
    fault.got("noticed, taken up, each effect once")


def test_f09_refused_more_memory_fails_the_step_and_closes_the_journal(
    tmp_path: Path, fault: Fault
) -> None:
    bench = bench_in(tmp_path)
    bench.world.put("hungry", "before")
    done = engine(tmp_path, None)
    ended = bench.state.ended
    assert ended is not None, done.stderr
    assert (ended.outcome, done.returncode) == (Outcome.FAILED, 1)
    assert "MemoryError" in bench.state.step("promote").reason
    fault.injected(bench.state.step("promote").reason)
    assert "promote=yes" not in changes(bench)
    assert bench.journal.verify() == []
    fault.got(f"the run ended: {ended.outcome.value}, {ended.world.value}")
