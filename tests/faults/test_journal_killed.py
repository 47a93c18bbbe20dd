"""F05: SIGKILL at every fsync; every acknowledged event is there, and the run can be taken up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import engine_bench
import pytest
from engine_bench import Bench
from fault_record import Fault

from drtool.clock import SystemClock
from drtool.engine.run import Engine
from drtool.journal.store import Journal
from drtool.model.purpose import Outcome
from drtool.redact import Redactor

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]
# One thread, so that strace counts every sync of the process.
APPENDS = """
import sys
from pathlib import Path
from drtool.clock import SystemClock
from drtool.journal.store import Journal
from drtool.model.event import Warned
from drtool.redact import Redactor
journal = Journal.open(Path(sys.argv[1]), SystemClock(), Redactor())
for number in range(5):
    journal.append("r1", Warned(about="x", text=str(number)), Warned(about="y", text="pair"))
    print(number, flush=True)
journal.close()
print("closed", flush=True)
"""
ONCE = ["prepare=yes", "fence=yes", "promote=yes", "redirect=yes", "run:script", "told:done"]


def traced(
    command: list[str], log: Path, call: str = "", at: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command; the call of that name and number, of whatever thread, is its last act."""
    spoil = ["-e", f"inject={call}:signal=KILL:when={at}"] if at else []
    return subprocess.run(
        ["strace", "-f", "-o", str(log), "-e", "trace=fsync,fdatasync", *spoil, *command],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def syncs(log: Path) -> Iterator[tuple[str, int]]:
    """Every sync to be the last one, by name and number, as strace counts them for a thread."""
    lines = log.read_text().splitlines()
    for call in ("fsync", "fdatasync"):
        threads = [line.split()[0] for line in lines if f" {call}(" in line]
        most = max(map(threads.count, threads), default=0)
        yield from ((call, number) for number in range(1, most + 1))


def was_killed(log: Path) -> bool:
    return "killed by SIGKILL" in log.read_text()


def test_f05_every_acknowledged_event_is_there_whichever_sync_is_the_last(
    tmp_path: Path, fault: Fault
) -> None:
    log = tmp_path / "strace.log"

    def command(name: str) -> tuple[Path, list[str]]:
        path = tmp_path / name / "journal.sqlite"
        return path, [sys.executable, "-c", APPENDS, str(path)]

    assert "closed" in traced(command("clean")[1], log).stdout
    points = list(syncs(log))
    assert len(points) >= 10, "two for each append"
    for call, number in points:
        path, words = command(f"{call}{number}")
        said = traced(words, log, call, number).stdout.split()
        assert was_killed(log), f"{call} {number}"
        if not path.exists():
            assert not said
            continue
        journal = Journal.open(path, SystemClock(), Redactor())
        assert journal.verify() == []
        events = journal.events("r1")
        assert len(events) >= 2 * len([word for word in said if word.isdigit()])
        assert len(events) % 2 == 0, "a group is there as a whole, or not at all"
        journal.close()
    fault.injected(f"killed at each of {len(points)} syncs of a journal")


@pytest.mark.slow_fault
def test_f05_a_run_killed_at_any_sync_is_taken_up_to_the_same_world(
    tmp_path: Path, fault: Fault
) -> None:
    log = tmp_path / "strace.log"

    def command(directory: Path) -> list[str]:
        directory.mkdir()
        return [sys.executable, engine_bench.__file__, str(directory), "run"]

    assert traced(command(tmp_path / "clean"), log).returncode == 0
    points = list(syncs(log))
    assert len(points) >= 4
    for call, number in points:
        directory = tmp_path / f"{call}{number}"
        traced(command(directory), log, call, number)
        assert was_killed(log), f"{call} {number}"
        bench = Bench(directory)
        if bench.events:
            _same_world_after_resuming(bench)
        bench.journal.close()
    fault.injected(f"killed at each of {len(points)} syncs of a run")


def _same_world_after_resuming(bench: Bench) -> None:
    state = bench.state
    for line in bench.world.effects:
        if "=" in line:
            step = state.step(line.partition("=")[0])
            assert step.intent_at is not None, f"{line} was done before its intent was on the disk"
    if state.ended is None:
        running = bench.in_background(Engine.resume(bench.events, bench.ports(), by="tester"))
        bench.until(lambda: bench.state.ended or bench.asked("script"), 30)
        if bench.asked("script"):
            assert "run:script" not in bench.world.effects
            bench.ask("approve", "script")
        running.wait(30)
    done = [one for one in bench.world.effects if not one.startswith("look:")]
    assert sorted(set(done)) == sorted(ONCE)
    assert [one for one in done if not one.startswith("told:")] == ONCE[:-1], "each effect once"
    ended = bench.state.ended
    assert ended is not None
    assert ended.outcome is Outcome.SUCCEEDED
    assert bench.journal.verify() == []
