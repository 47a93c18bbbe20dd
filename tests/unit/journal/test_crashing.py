"""What was acknowledged is there after the process was killed at any of its crash points."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drtool.clock import SystemClock
from drtool.journal.store import Journal
from drtool.redact import Redactor

CHILD = """
import sys
from pathlib import Path
from drtool.clock import SystemClock
from drtool.journal.store import Journal
from drtool.model.event import Warned
from drtool.redact import Redactor
journal = Journal.open(Path(sys.argv[1]), SystemClock(), Redactor())
for number in range(int(sys.argv[2])):
    journal.append("r1", Warned(about="x", text=str(number)), Warned(about="y", text="pair"))
    print(number, flush=True)
"""
POINTS = ("journal.written", "journal.committed", "journal.anchored")


def child(path: Path, count: int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def survivors(path: Path) -> int:
    """How many pairs are there; the journal is whole, and takes more."""
    journal = Journal.open(path, SystemClock(), Redactor())
    assert journal.verify() == []
    events = journal.events("r1")
    journal.close()
    assert len(events) % 2 == 0
    return len(events) // 2


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_crash_point(tmp_path: Path, point: str) -> None:
    path = tmp_path / "home" / "journal.sqlite"
    with child(path, 3) as process:
        process.communicate()
    with child(path, 3, DRTOOL_CRASH_AT=point) as process:
        said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert said == ""
    assert survivors(path) == (3 if point == "journal.written" else 4)


def test_all_crash_points_are_tried(tmp_path: Path) -> None:
    names = tmp_path / "names"
    with child(tmp_path / "home" / "journal.sqlite", 1, DRTOOL_CRASH_LIST=str(names)) as process:
        process.communicate()
    assert tuple(dict.fromkeys(names.read_text().split())) == POINTS


def test_killed_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "home" / "journal.sqlite"
    acknowledged = 0
    for _ in range(3):
        before = survivors(path) if path.exists() else 0
        with child(path, 100_000) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) == 50:
                    os.kill(process.pid, signal.SIGKILL)
                acknowledged = before + int(line) + 1
        assert survivors(path) >= acknowledged
