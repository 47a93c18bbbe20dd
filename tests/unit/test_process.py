"""A process is known again by more than its id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drtool.process import identity, runs, stopped


def test_the_identity_of_a_process_lasts_as_long_as_it_does() -> None:
    assert identity(os.getpid()) == identity(os.getpid()) != ""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    pid = gone.pid
    gone.wait()
    assert identity(pid) == ""
    assert not runs(pid)
    assert not runs(pid, "1")


def test_another_process_that_got_the_same_id_is_not_the_one_that_is_known() -> None:
    assert runs(os.getpid(), identity(os.getpid()))
    assert not runs(os.getpid(), "1")


def test_where_nothing_but_the_id_is_known_it_has_to_do() -> None:
    assert runs(os.getpid())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_zombie_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identity(child.pid) == ""
    assert not runs(child.pid)
    child.wait()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_process_that_was_stopped_is_known_as_such() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert not stopped(child.pid)
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        assert stopped(child.pid)
        assert runs(child.pid)
        child.kill()
    assert not stopped(child.pid)
