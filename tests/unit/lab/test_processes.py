from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from drtool.lab.processes import Process, descendants, end, marked, power_cut, process

TREE = """
import subprocess, sys, time
subprocess.Popen(["sleep", "600"])
subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600"])
time.sleep(600)
"""


def wait_until(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def tree() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", TREE], env={"MARK_OF_TEST": "x1"}) as top:
        wait_until(lambda: len(descendants(top.pid)) == 4)
        yield top
        end(descendants(top.pid))
        top.kill()


def test_descendants_are_found_parents_first(tree: subprocess.Popen[bytes]) -> None:
    found = descendants(tree.pid)
    assert len(found) == 4
    assert all(one.runs for one in found)


def test_a_power_cut_ends_all_below_and_spares_the_one_above(
    tree: subprocess.Popen[bytes],
) -> None:
    below = descendants(tree.pid)
    power_cut(tree.pid)
    assert not any(one.runs for one in below)
    assert tree.poll() is None


def test_the_end_takes_what_was_started_along(tree: subprocess.Popen[bytes]) -> None:
    top = process(tree.pid)
    assert top is not None
    below = descendants(tree.pid)
    assert end([top]) == []
    assert not any(one.runs for one in below)


def test_another_process_with_the_same_id_is_left_alone(tree: subprocess.Popen[bytes]) -> None:
    top = process(tree.pid)
    assert top is not None
    stranger = Process(top.pid, top.started + 1)
    assert not stranger.runs
    assert end([stranger]) == []
    assert tree.poll() is None


def test_processes_are_known_by_their_mark(tree: subprocess.Popen[bytes]) -> None:
    assert {one.pid for one in marked("MARK_OF_TEST", "x1")} >= {tree.pid}
    assert marked("MARK_OF_TEST", "x") == []


def test_one_that_is_gone_is_no_process() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert process(gone.pid) is None
    assert process(os.getpid()) is not None
