"""What drtool watch says of this journal's runs, at the terminal and in Slack."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from slack_standin import SlackStandIn
from told_people import heralds
from watched_runs import WatchedRun, watched

from drtool.journal.home import journal_path
from drtool.journal.pulse import pulses
from drtool.process import stopped

pytestmark = [pytest.mark.faults, pytest.mark.timeout(200)]

NOTICED_SECONDS = 30.0  # promised


@contextmanager
def watching(run: WatchedRun, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The watch as a service."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "drtool", "watch", "--every", "1s", *words],
        env=run.surroundings, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            assert process.wait(60) == 0


def line(process: subprocess.Popen[str], words: str) -> str:
    """The next line that says so, within the promised time."""
    began = time.monotonic()
    assert process.stdout is not None
    for said in process.stdout:
        if re.search(words, said):
            assert time.monotonic() - began < NOTICED_SECONDS
            return said
    pytest.fail(f"never said {words}")


def pulsed(run: WatchedRun) -> None:
    run.until(lambda: pulses(journal_path(run.home)))


def killed(run: WatchedRun) -> None:
    pulsed(run)
    run.process.kill()
    run.process.wait()


def test_a_watch_says_that_an_engine_is_gone_with_what_to_type(tmp_path: Path) -> None:
    with watched(tmp_path) as run, watching(run) as watch:
        killed(run)
        assert "since" in line(watch, "run r1: its engine is gone")
        assert line(watch, "drtool resume r1") == "  drtool resume r1\n"


def test_a_watch_says_that_an_engine_hangs_and_that_it_moves_again(tmp_path: Path) -> None:
    with watched(tmp_path) as run, watching(run, "--json") as watch:
        pulsed(run)
        run.process.send_signal(signal.SIGSTOP)
        run.until(lambda: stopped(run.process.pid))
        told = json.loads(line(watch, "does not move"))
        assert (told["what"], told["finding"]["about"]) == ("begun", "engine")
        assert told["finding"]["commands"] == ["drtool explain r1", "drtool resume r1"]
        run.process.send_signal(signal.SIGCONT)
        assert json.loads(line(watch, "does not move"))["what"] == "over"


def test_one_look_ends_with_1_when_a_person_is_needed(tmp_path: Path) -> None:
    with watched(tmp_path) as run:
        well = run.drtool("watch", "--once")
        assert (well.returncode, well.stdout) == (0, "")
        killed(run)
        found = run.drtool("watch", "--once")
        assert found.returncode == 1
        assert "its engine is gone" in found.stdout
        again = run.drtool("watch", "--once")
        assert (again.returncode, again.stdout) == (1, "")


def test_a_person_who_is_waited_for_long_is_named(tmp_path: Path) -> None:
    with watched(tmp_path, "asks") as run:
        assert run.drtool("watch", "--once").returncode == 0
        found = run.drtool("watch", "--once", "--waiting", "1ms")
        assert found.returncode == 1
        assert re.search(r"step consent has waited [\d.]+ s for commander", found.stdout)
        assert "  drtool approve r1 consent --service orders\n" in found.stdout


def test_a_service_without_a_standby_is_told_until_it_has_one(tmp_path: Path) -> None:
    with watched(tmp_path, "failover") as run:
        run.process.wait(60)
        found = run.drtool("watch", "--once")
        assert "orders is unprotected since" in found.stdout
        assert "  drtool reprotect " in found.stdout


def test_slack_hears_of_a_dead_engine_once(tmp_path: Path, slack: SlackStandIn) -> None:
    """The run's own process tells it; a watch that is there as well does not repeat it."""
    with watched(tmp_path, "told", slack.url) as run, watching(run) as watch:
        run.until(lambda: len(slack.thread()) > 1)
        killed(run)
        line(watch, "run r1: its engine is gone")
        run.until(lambda: "INTERRUPTED" in slack.thread()[-1].text, NOTICED_SECONDS)
        run.until(lambda: not heralds())
        assert (tmp_path / "notices" / "r1.gone").exists()
        count = len(slack.messages)
        second = run.drtool("watch", "--once")
        assert second.returncode == 1
        assert len(slack.messages) == count


def test_after_a_reboot_the_watch_tells_slack_in_the_runs_thread(
    tmp_path: Path, slack: SlackStandIn
) -> None:
    with watched(tmp_path, "told-other-boot", slack.url) as run:
        run.until(lambda: len(slack.thread()) > 1)
        pulsed(run)
        for herald in heralds():
            subprocess.run(["kill", "-9", str(herald)], check=True)
        run.process.kill()
        run.process.wait()
        found = run.drtool("watch", "--once")
        assert found.returncode == 1, found.stderr
        last = slack.thread()[-1]
        assert "orders: engine" in last.text or "its engine is gone" in last.all_text
        assert "drtool resume r1" in last.all_text
        assert last.shown
        assert "INTERRUPTED" in slack.thread()[0].text


def test_what_people_were_told_survives_the_watch(tmp_path: Path) -> None:
    with watched(tmp_path) as run:
        killed(run)
        with watching(run) as watch:
            line(watch, "its engine is gone")
        with watching(run) as watch:
            assert watch.stderr is not None
            assert "watching the runs in" in watch.stderr.readline()
        assert run.drtool("watch", "--once").stdout == ""


def test_a_journal_that_cannot_be_read_is_told_and_nobody_is_called_well(tmp_path: Path) -> None:
    with watched(tmp_path) as run:
        killed(run)
        assert "its engine is gone" in run.drtool("watch", "--once").stdout
        anchor = journal_path(tmp_path).with_name("journal.sqlite.anchor")
        anchor.rename(tmp_path / "aside")
        found = run.drtool("watch", "--once")
        assert found.returncode == 1
        assert "runs cannot be watched: journal" in found.stdout
        assert "over; it was:" not in found.stdout
        (tmp_path / "aside").rename(anchor)
        assert "over; it was: runs cannot be watched" in run.drtool("watch", "--once").stdout
