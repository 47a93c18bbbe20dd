"""An engine that is killed, rebooted away or stopped is noticed, and each is told as what it is."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from slack_standin import SlackStandIn
from terminal import ESCAPES, Terminal, terminal_in
from told_people import heralds
from watched_runs import WatchedRun, watched

from drtool.journal.home import journal_path
from drtool.journal.pulse import pulses
from drtool.process import runs, stopped

pytestmark = pytest.mark.faults

NOTICED_SECONDS = 30.0  # promised
SINCE = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"


def killed(run: WatchedRun) -> None:
    run.until(lambda: pulses(journal_path(run.home)))
    run.process.kill()
    run.process.wait()
    assert not runs(run.process.pid)


def frozen(run: WatchedRun) -> None:
    run.until(lambda: pulses(journal_path(run.home)))
    run.process.send_signal(signal.SIGSTOP)
    run.until(lambda: stopped(run.process.pid))


def says(run: WatchedRun, words: str, *command: str) -> None:
    """A command says so within the promised time."""
    run.until(lambda: re.search(words, run.drtool(*command).stdout), NOTICED_SECONDS)


def test_a_killed_engine_is_noticed_by_whoever_looks(tmp_path: Path) -> None:
    with watched(tmp_path) as run:
        assert "gone" not in run.drtool("status", "r1").stdout
        killed(run)
        for command in (("status", "r1"), ("status",), ("runs",)):
            says(
                run,
                rf"its engine is gone {SINCE}; the run is resumable: drtool resume r1",
                *command,
            )
        says(run, "engine gone", "runs")
        told = json.loads(run.drtool("runs", "--json").stdout)["runs"][0]["life"]
        assert (told["word"], bool(told["since"])) == ("gone", True)
        said = " ".join(run.drtool("explain", "r1").stdout.split())
        assert re.search(r"The engine's process is gone since \d\d:\d\d:\d\dZ", said)


def test_a_stopped_engine_is_told_from_a_dead_one(tmp_path: Path) -> None:
    with watched(tmp_path) as run:
        frozen(run)
        for command in (("status", "r1"), ("status",), ("runs",)):
            says(run, rf"its engine does not move {SINCE}", *command)
        said = run.drtool("status", "r1").stdout
        assert f"kill -CONT {run.process.pid}" in said
        refused = run.drtool("resume", "r1")
        assert refused.returncode == 2
        assert f"kill -9 {run.process.pid}" in refused.stderr
        assert "does not move" in run.drtool("explain", "r1").stdout
        run.process.send_signal(signal.SIGCONT)
        run.until(lambda: "does not move" not in run.drtool("status", "r1").stdout)


def test_an_effect_that_hangs_stops_no_pulse(tmp_path: Path) -> None:
    with watched(tmp_path, "hangs") as run:
        run.until(lambda: pulses(journal_path(tmp_path)))
        first = pulses(journal_path(tmp_path))["r1"].at.monotonic
        run.until(lambda: pulses(journal_path(tmp_path))["r1"].at.monotonic > first + 3)
        assert "does not move" not in run.drtool("status", "r1").stdout


def test_a_run_of_before_a_reboot_is_gone_even_if_its_process_number_runs(tmp_path: Path) -> None:
    with watched(tmp_path, "other-boot") as run:
        run.until(lambda: pulses(journal_path(tmp_path)))
        assert run.process.poll() is None
        says(run, rf"its engine is gone {SINCE}", "status", "r1")


def test_a_journal_without_pulses_is_judged_by_the_process_and_its_last_word(
    tmp_path: Path,
) -> None:
    with watched(tmp_path) as run:
        killed(run)
        with closing(sqlite3.connect(journal_path(tmp_path))) as connection:
            connection.execute("DROP TABLE pulses")
            connection.commit()
        says(run, rf"its engine is gone {SINCE}; the run is resumable", "status", "r1")
        assert "engine gone" in run.drtool("runs").stdout


def test_an_attached_terminal_says_by_itself_that_the_engine_is_gone(tmp_path: Path) -> None:
    with watched(tmp_path) as run, run.attach() as attached:
        assert attached.stdout is not None
        attached.stdout.readline()
        killed(run)
        said, _ = attached.communicate(timeout=NOTICED_SECONDS)
        assert attached.returncode == 8
        assert re.search(rf"its engine is gone {SINCE}", said)
        assert "drtool resume r1" in said


def shown(terminal: Terminal, words: str) -> None:
    """A terminal shows it, within the promised time."""
    said, end = "", time.monotonic() + NOTICED_SECONDS
    while words not in said:
        assert time.monotonic() < end, said[-2000:]
        if select.select([terminal.fd], [], [], 1)[0]:
            said += ESCAPES.sub("", os.read(terminal.fd, 65536).decode(errors="replace"))


def test_a_terminal_that_shows_the_run_says_both_by_itself(tmp_path: Path) -> None:
    with watched(tmp_path) as run, terminal_in(tmp_path, DRTOOL_HOME=str(tmp_path)) as terminal:
        pulsed = journal_path(tmp_path)
        run.until(lambda: pulses(pulsed))
        os.write(terminal.fd, b"drtool attach r1; echo code=$?\n")
        shown(terminal, "verify")
        frozen(run)
        shown(terminal, "its engine does not move")
        killed(run)
        shown(terminal, "its engine is gone")
        shown(terminal, "code=8")


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_attached_terminal_says_by_itself_that_the_engine_does_not_move(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    with watched(tmp_path) as run, run.attach(*words) as attached:
        assert attached.stdout is not None
        attached.stdout.readline()
        frozen(run)
        assert any("its engine does not move since" in line for line in attached.stdout)
        run.process.send_signal(signal.SIGCONT)
        assert any("its engine moves again" in line for line in attached.stdout)
        killed(run)
        attached.communicate(timeout=NOTICED_SECONDS)


def test_slack_is_told_of_an_engine_that_hangs_moves_dies_and_is_taken_up(
    tmp_path: Path, slack: SlackStandIn
) -> None:
    with watched(tmp_path, slack=slack.url) as run:
        run.until(lambda: len(slack.thread()) > 1)
        frozen(run)
        run.until(lambda: "DOES NOT MOVE" in slack.thread()[-1].text, NOTICED_SECONDS)
        hung = slack.thread()[-1]
        assert hung.shown
        assert f"kill -CONT {run.process.pid}" in hung.all_text
        assert "drtool resume r1" in hung.all_text
        run.until(lambda: "DOES NOT MOVE" in slack.thread()[0].text)
        run.process.send_signal(signal.SIGCONT)
        run.until(lambda: "its engine moves again" in slack.thread()[-1].text, NOTICED_SECONDS)
        killed(run)
        run.until(lambda: "INTERRUPTED" in slack.thread()[-1].text, NOTICED_SECONDS)
        gone = slack.thread()[-1]
        assert gone.shown
        assert re.search(r"process is gone since \d\d:\d\d:\d\dZ", gone.all_text)
        assert "drtool resume r1" in gone.all_text
        run.until(lambda: not heralds())
        with watched(tmp_path, "resume", slack.url) as again:
            again.until(lambda: "resumed by tester" in slack.thread()[-1].text)
            again.bench.world.put("gate", "yes")
            again.process.wait(60)
        assert [one for one in slack.messages if not one.thread] == [slack.thread()[0]]
        run.until(lambda: not heralds())
