"""F13, F14 and their kin: what a run is taken up from, and what it is not."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pytest
from effects import Typist, until
from fault_record import Fault

from drtool import __version__
from drtool.model.event import RunResumed
from drtool.process import runs

pytestmark = pytest.mark.faults
BETWEEN = "step.outcome-written one"
OTHER = "import drtool\ndrtool.__version__ = '0.0.9'\n"
REBOOTED = """
import datetime
from drtool.clock import SystemClock
later = datetime.timedelta(seconds=600)
wall = SystemClock.wall
SystemClock.boot_id = lambda _: "the-boot-after"
SystemClock.wall = lambda clock: wall(clock) + later
"""


def machine(directory: Path, text: str) -> dict[str, str]:
    """The environment of a machine whose Python does that first."""
    directory.mkdir(exist_ok=True)
    (directory / "sitecustomize.py").write_text(text)
    return {"PYTHONPATH": str(directory)}


def left_after_one(typist: Typist, **variables: str) -> str:
    """A run whose engine was killed between its steps."""
    run = typist.start(DRTOOL_CRASH_AT=BETWEEN, **variables)
    engine = typist.state(run).pid
    typist.consent(run)
    until(lambda: not runs(engine))
    assert typist.server.effects == ["/one"]
    assert typist.state(run).ended is None
    return run


def test_f13_a_run_of_another_version_is_refused(
    typist: Typist, tmp_path: Path, fault: Fault
) -> None:
    run = left_after_one(typist, **machine(tmp_path / "other", OTHER))
    assert typist.state(run).version == "0.0.9"
    fault.injected("drtool 0.0.9 ran it, and was killed")
    said = typist.type("resume", run)
    assert said.code == 3
    assert f"drtool 0.0.9 ran it, and this is drtool {__version__}" in said.err
    assert "take it up with drtool 0.0.9, or start a new run" in said.err
    assert len(said.err.splitlines()) == 2
    fault.got(said.err)
    assert typist.state(run).gaps == ()
    assert typist.server.effects == ["/one"]
    same = typist.type("resume", run, **machine(tmp_path / "other", OTHER))
    assert same.code == 0, same.err
    assert typist.server.effects == ["/one", "/two"]


def test_f14_an_edited_runbook_changes_nothing_and_is_told(typist: Typist, fault: Fault) -> None:
    run = left_after_one(typist)
    typist.write_runbook("three", "four")
    old = typist.runbook.stat().st_mtime - 3600
    os.utime(typist.runbook, (old, old))  # the text counts, not the time
    fault.injected("the engine is gone, and the runbook has other steps")
    said = typist.type("resume", run)
    assert said.code == 0, said.err
    drift = f"{typist.runbook} was edited since the run began: the stored plan is used"
    assert drift in said.err, "in the terminal"
    fault.got(drift)
    assert typist.server.effects == ["/one", "/two"]
    resumed = [one.body for one in typist.events(run) if isinstance(one.body, RunResumed)]
    assert [one.drift for one in resumed] == [drift], "in the journal"
    report = typist.type("report", run)
    assert drift in " ".join(report.out.split()), "in the report"
    assert drift in (typist.home / "reports" / f"{run}.html").read_text()


def test_f14_a_runbook_that_was_only_touched_or_is_gone(typist: Typist, fault: Fault) -> None:
    run = left_after_one(typist)
    typist.runbook.touch()
    assert "edited" not in typist.type("resume", run).err
    typist.server.effects.clear()
    typist.server.held = ""
    again = left_after_one(typist)
    typist.runbook.unlink()
    assert not typist.runbook.exists()
    fault.injected("the engine is gone, and so is the runbook")
    said = typist.type("resume", again)
    assert said.code == 0
    assert "is not there any more" in said.err
    fault.got(said.err)


def test_a_run_whose_engine_lives_is_refused_with_its_process(typist: Typist) -> None:
    run = typist.start()
    engine = typist.state(run).pid
    said = typist.type("resume", run)
    assert (said.code, len(said.err.splitlines())) == (2, 2)
    assert f"its engine lives, process {engine}" in said.err
    assert f"drtool attach {run}" in said.err
    os.kill(engine, signal.SIGKILL)
    until(lambda: not runs(engine))


def test_a_run_is_taken_up_after_the_machine_was_started_anew(
    typist: Typist, tmp_path: Path
) -> None:
    run = left_after_one(typist)
    said = typist.type("resume", run, **machine(tmp_path / "after", REBOOTED))
    assert said.code == 0, said.err
    assert typist.server.effects == ["/one", "/two"]
    (gap,) = [one.text for one in typist.state(run).warnings if one.about == "gap"]
    assert gap in said.err
    assert "the machine was started anew in mid-run: 60" in gap
    assert "before it, the clock was steady" in gap
    assert "time service" in gap


def test_what_cannot_be_taken_up_is_refused_in_a_line_with_what_to_type(typist: Typist) -> None:
    none = typist.type("resume", "last")
    assert none.code == 2
    assert "no run has been started yet" in none.err
    run = typist.start()
    unknown = typist.type("resume", "20200101-000000-0000")
    assert (unknown.code, unknown.err.count("\n")) == (2, 2)
    assert "there is no such run\n  hint: drtool runs" in unknown.err
    typist.consent(run)
    until(lambda: typist.state(run).ended)
    finished = typist.type("resume", run)
    assert (finished.code, finished.err.count("\n")) == (2, 2)
    assert f"has ended\n  hint: drtool explain {run}" in finished.err


def test_a_tampered_journal_is_refused_by_every_verb(typist: Typist) -> None:
    run = left_after_one(typist)
    with sqlite3.connect(typist.journal) as database:
        database.execute("UPDATE events SET text = replace(text, 'live', 'evil') WHERE seq = 1")
        changed = database.execute("SELECT changes()").fetchone()
    database.close()
    assert changed == (1,)
    for verb in ("resume", "status", "explain", "report", "runs", "attach", "abort"):
        words = (verb,) if verb == "runs" else (verb, run)
        said = typist.type(*words)
        assert said.code == 7, said
        assert f"entry 1 (run {run}, event 1) is not what was written" in said.err
        assert said.err.count("\n") == 2
        assert "drtool journal verify" in said.err
    assert typist.type("journal", "verify").code == 7
    assert typist.server.effects == ["/one"]
