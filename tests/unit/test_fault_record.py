"""What the suite of faults makes of tests that saw their injection, and of those that did not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from covered import covered

TESTS = Path(__file__).parents[1]
SAMPLES = """
import pytest

def test_f01_seen(fault):
    fault.injected("the process is gone")
    fault.got("it ran once")

def test_f02_not_seen(fault):
    fault.got("it ran once")

@pytest.mark.parametrize("number", [1, 2])
def test_f03_l01_two_ids(fault, number):
    fault.injected(f"killed {number} times")

def test_l02_no_means(fault):
    fault.cannot_inject("no strace here")

def test_without_an_id():
    pass
"""


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    (tmp_path / "test_samples.py").write_text(SAMPLES)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return Judged(tmp_path)


class Judged:
    """A small suite of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.file = directory, directory / "results.json"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        given = ["-p", "fault_record", "-p", "no:cacheprovider", "--faults-file", str(self.file)]
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *given, *words, "test_samples.py"],
            cwd=self.directory, capture_output=True, text=True, check=False,
            env={**covered(), "PYTHONPATH": str(TESTS), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip


def test_what_was_seen_is_well(judged: Judged) -> None:
    done = judged.run("--faults", "F01 F03 L01")
    assert done.returncode == 0, done.stdout
    assert "3 of 3 passed" in done.stdout
    rows = json.loads(judged.file.read_text())["rows"]
    assert [(row["id"], row["seen"], row["got"]) for row in rows] == [
        ("F01", "the process is gone", "it ran once"),
        *((one, f"killed {n} times", "") for one in ("F03", "L01") for n in (1, 2)),
    ]
    assert all(row["outcome"] == "passed" for row in rows)


def test_what_was_not_seen_has_failed_with_and_without_the_table(judged: Judged) -> None:
    done = judged.run("--faults", "F01-F02")
    assert done.returncode == 1
    assert "fault.injected() was not called" in done.stdout
    assert "NOT WELL: failed: F02" in done.stdout
    assert judged.run("-k", "f02").returncode == 1
    assert judged.run("-k", "f01 or without").returncode == 0


def test_an_id_without_a_test_and_one_that_cannot_be_injected_are_told(judged: Judged) -> None:
    skipped = judged.run("--faults", "F01 L02")
    assert skipped.returncode == 0
    assert "1 cannot be injected on this machine" in skipped.stdout
    assert "no strace here" in skipped.stdout
    missing = judged.run("--faults", "F01 F44")
    assert missing.returncode == 1
    assert "NOT WELL: no test: F44" in missing.stdout


def test_a_word_that_is_no_id_is_told(judged: Judged) -> None:
    done = judged.run("--faults", "F65")
    assert done.returncode == 4
    assert "no fault is called F65" in done.stderr
