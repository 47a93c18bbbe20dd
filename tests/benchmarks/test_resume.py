"""How soon a run of 10,000 events is ready for its next effect once somebody types resume."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from effects import Typist, until

from drtool.clock import SystemClock
from drtool.journal.store import Journal
from drtool.model.event import Body, StepEnded, StepIntent, StepStarted, Via
from drtool.model.purpose import Outcome
from drtool.process import runs
from drtool.redact import Redactor

STEPS = 3334  # three events each
LIMIT_SECONDS = 0.5


def done(step: str) -> tuple[Body, ...]:
    seen = {"method": "POST", "url": f"http://127.0.0.1/{step}", "status": 200, "body": "x" * 100}
    return (
        StepStarted(step=step, via=Via.DIRECT),
        StepIntent(step=step, seen={}, changes=()),
        StepEnded(step=step, outcome=Outcome.SUCCEEDED, via=Via.DIRECT, seen=seen),
    )


def began(typist: Typist) -> str:
    """A run of which all but the last steps are done, and whose engine is gone."""
    names = [f"s{number}" for number in range(STEPS)]
    typist.write_runbook(*names, more=", repeatable: true")
    run = typist.start()
    engine = typist.state(run).pid
    typist.consent(run)
    until(lambda: typist.server.effects)
    os.kill(engine, signal.SIGKILL)
    until(lambda: not runs(engine))
    journal = Journal.open(typist.journal, SystemClock(), Redactor())
    known = {step.name for step in typist.state(run).steps if step.outcome.ended}
    left = [name for name in names[:-1] if name not in known]
    for first in range(0, len(left), 100):
        journal.append(run, *(body for name in left[first : first + 100] for body in done(name)))
    journal.close()
    return run


def start_up() -> float:
    """What Python and drtool's own modules take before there is anything to resume."""
    began = time.perf_counter()
    imports = "import drtool.cli.main, drtool.cli.control, drtool.verbs.resume"
    subprocess.run([sys.executable, "-c", imports], check=True)
    return time.perf_counter() - began


def once(typist: Typist, run: str) -> float:
    """Take the run up until its next effect arrives, and end its engine there."""
    before = len(typist.server.effects)
    start = time.perf_counter()
    terminal = typist.begin("resume", run, "--detach")
    until(lambda: len(typist.server.effects) > before)
    took = time.perf_counter() - start
    typist.end(terminal)
    engine = typist.state(run).pid
    os.kill(engine, signal.SIGKILL)
    until(lambda: not runs(engine))
    return took


@pytest.mark.timeout(600)
def test_ten_thousand_events_delay_a_resume_by_less_than_half_a_second(typist: Typist) -> None:
    run = began(typist)
    typist.server.held = f"/s{STEPS - 1}"
    assert typist.state(run).seq > 9_900
    pairs = [(once(typist, run), start_up()) for _ in range(7)]
    whole, bare = (min(times) for times in zip(*pairs, strict=True))
    print(f"\nresume to next effect {whole:.2f} s; Python's start and imports {bare:.2f} s of it")
    assert whole - bare < LIMIT_SECONDS
