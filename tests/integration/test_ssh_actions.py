"""ssh.run and ssh.service on a real SSH server."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from driven import drive
from postgresql_pair import wait_until
from ssh_bench import SshBench
from ssh_host import SshHost

from drtool.actions.ssh import Run, Service
from drtool.connections.ssh import SshHands
from drtool.errors import InDoubt, StepFailed


@pytest.fixture
def bench(any_ssh_host: SshHost, tmp_path: Path) -> SshBench:
    return SshBench(any_ssh_host, tmp_path)


@pytest.fixture
def scripted(ssh_host: SshHost, tmp_path: Path) -> SshBench:
    """On a host whose environment the test sets."""
    return SshBench(ssh_host, tmp_path)


def test_a_command_leaves_its_trace(bench: SshBench) -> None:
    command = Run(argv=("sh", "-c", "echo out; echo err >&2; cat"), input="fed\n")
    done = command.run(bench.hands())
    assert (done.code, done.out, done.err) == (0, "out\nfed\n", "err\n")
    found = command.find(bench.look())
    assert found is not None
    assert (found.code, found.out) == (0, "out\nfed\n")
    assert not command.unfinished(bench.look())
    assert command.find(bench.look(step="another")) is None
    bench.connections.close()


def test_a_wrong_exit_code_fails_now_and_when_found(bench: SshBench) -> None:
    command = Run(argv=("sh", "-c", "echo no space left >&2; exit 3"))
    with pytest.raises(StepFailed, match="code 3: no space left"):
        command.run(bench.hands())
    with pytest.raises(StepFailed, match="code 3"):
        command.find(bench.look())
    assert Run(argv=command.argv, codes=(3,)).run(bench.hands(attempt=2)).code == 3
    bench.connections.close()


def test_a_dropped_session_is_in_doubt_and_its_end_is_found(bench: SshBench) -> None:
    mark = bench.directory / "mark"
    command = Run(argv=("sh", "-c", f"sleep 1; echo once >> {mark}"))
    bench.connections.get(SshHands, "web")
    threading.Timer(0.3, bench.host.cut).start()
    with pytest.raises(InDoubt):
        command.run(bench.hands())
    assert command.find(bench.look()) is None
    assert command.unfinished(bench.look())
    wait_until(lambda: command.find(bench.look()) is not None)
    assert mark.read_text() == "once\n"
    assert not command.unfinished(bench.look())
    bench.connections.close()


@pytest.mark.parametrize("second", [2, 1], ids=["counted", "repeated under the same number"])
def test_an_earlier_trys_end_is_not_taken_for_the_one_in_doubt(
    bench: SshBench, second: int
) -> None:
    with pytest.raises(StepFailed, match="code 1"):
        Run(argv=("false",)).run(bench.hands())
    again = Run(argv=("sleep", "1"))
    bench.connections.get(SshHands, "web")
    threading.Timer(0.3, bench.host.cut).start()
    with pytest.raises(InDoubt):
        again.run(bench.hands(attempt=second))
    assert again.find(bench.look(attempt=second)) is None
    assert again.unfinished(bench.look(attempt=second))
    wait_until(lambda: again.find(bench.look(attempt=second)) is not None)
    bench.connections.close()


def test_a_command_that_hangs_is_ended_on_its_host(bench: SshBench) -> None:
    command = Run(argv=("sleep", "77"))
    begun = time.monotonic()
    with pytest.raises(StepFailed, match="took too long"):
        command.run(bench.hands(seconds_left=3.0))
    assert time.monotonic() - begun < 3
    bench.connections.close()


def test_creates_and_unless_leave_it_out(bench: SshBench) -> None:
    path = bench.directory / "made"
    command = Run(argv=("sh", "-c", f"echo x >> {path}"), creates=str(path))
    assert command.run(bench.hands()).skipped == ""
    assert command.run(bench.hands(attempt=2)).skipped == f"{path} is there"
    assert path.read_text() == "x\n"
    other = Run(argv=("sh", "-c", f"echo x >> {path}"), unless=("test", "-e", str(path)))
    assert other.run(bench.hands(attempt=3)).skipped != ""
    bench.connections.close()


def test_what_a_failed_try_has_half_made_excuses_no_other(bench: SshBench) -> None:
    path, again = bench.directory / "data", bench.directory / "again"
    script = f"mkdir -p {path}; [ -e {again} ] || {{ touch {again}; exit 1; }}"
    made = Run(argv=("sh", "-c", script), creates=str(path))
    unless = Run(argv=made.argv, unless=("test", "-e", str(path)))
    for step, command in (("one", made), ("two", unless)):
        with pytest.raises(StepFailed, match="code 1"):
            command.run(bench.hands(step=step))
        with pytest.raises(StepFailed, match="code 1"):
            command.find(bench.look(step=step))
        second = command.run(bench.hands(step=step, attempt=2))
        assert (second.code, second.skipped) == (0, "")
        assert command.run(bench.hands(step=step, attempt=3)).skipped != ""
        path.rmdir()
        again.unlink()
    bench.connections.close()


def test_what_a_command_makes_does_not_end_it(bench: SshBench) -> None:
    path = bench.directory / "data"
    command = Run(argv=("sh", "-c", f"mkdir {path}; sleep 1; exit 1"), creates=str(path))
    bench.connections.get(SshHands, "web")
    threading.Timer(0.4, bench.host.cut).start()
    with pytest.raises(InDoubt):
        command.run(bench.hands())
    assert path.exists()
    assert command.find(bench.look()) is None
    assert command.unfinished(bench.look())
    wait_until(lambda: not command.unfinished(bench.look()))
    with pytest.raises(StepFailed, match="code 1"):
        command.find(bench.look())
    other = command.find(bench.look(step="another"))
    assert other is not None
    assert other.skipped == f"{path} is there"
    bench.connections.close()


def test_a_command_outlives_the_shell_that_waits_for_it(bench: SshBench) -> None:
    mark = bench.directory / "mark"
    command = Run(argv=("sh", "-c", f"sleep 1.5; echo once >> {mark}"))
    start = bench.directory / "state" / f"{bench.facts.run}.{bench.facts.step}" / "start.1"

    def end_the_shell() -> None:
        wait_until(lambda: start.exists() and len(start.read_text().splitlines()) == 2)
        os.kill(int(start.read_text().split()[2]), signal.SIGTERM)

    threading.Thread(target=end_the_shell).start()
    with pytest.raises(InDoubt, match="what waited for the command was ended"):
        command.run(bench.hands())
    assert command.find(bench.look()) is None
    assert command.unfinished(bench.look())
    assert not mark.exists()
    wait_until(lambda: not command.unfinished(bench.look()))
    assert mark.read_text() == "once\n"
    bench.connections.close()


def test_a_trace_that_cannot_be_left_starts_nothing(bench: SshBench) -> None:
    (bench.directory / "state").write_text("no directory")
    command = Run(argv=("touch", str(bench.directory / "made")))
    with pytest.raises(StepFailed, match="could not be started"):
        command.run(bench.hands())
    assert not (bench.directory / "made").exists()
    bench.connections.close()


FAKE_SYSTEMCTL = """#!/bin/sh
case $1 in
show)
    for unit in "$@"; do :; done
    [ "$unit" = orders.service ] || { echo LoadState=not-found; echo ActiveState=inactive; exit 0; }
    echo LoadState=loaded
    cat "$FAKE/state"
    ;;
start | restart)
    up=$(cut -d' ' -f1 /proc/uptime)
    now="${up%.*}${up#*.}0000"
    printf "ActiveState=active\\nActiveEnterTimestampMonotonic=$now\\n" >"$FAKE/state"
    echo "$1" >>"$FAKE/said"
    ;;
stop)
    printf 'ActiveState=inactive\\nActiveEnterTimestampMonotonic=0\\n' >"$FAKE/state"
    echo "$1" >>"$FAKE/said"
    ;;
esac
"""


@pytest.fixture
def systemctl(scripted: SshBench) -> Path:
    """A fake service manager, first on the host's path; what it was told is in ``said``."""
    fake = scripted.directory / "fake"
    fake.mkdir()
    (fake / "systemctl").write_text(FAKE_SYSTEMCTL)
    (fake / "systemctl").chmod(0o755)
    (fake / "state").write_text("ActiveState=inactive\nActiveEnterTimestampMonotonic=0\n")
    scripted.host.environment.update({"PATH": f"{fake}:/usr/bin:/bin", "FAKE": str(fake)})
    return fake


def test_a_unit_is_started_stopped_and_restarted_once(scripted: SshBench, systemctl: Path) -> None:
    (systemctl / "said").touch()
    for state, said in (("started", "start"), ("stopped", "stop")):
        action = Service(unit="orders.service", state=state)
        drive(action, scripted.connections, scripted.facts)
        drive(action, scripted.connections, scripted.facts)
        assert (systemctl / "said").read_text().split()[-1] == said
    assert (systemctl / "said").read_text().split() == ["start", "stop"]
    drive(Service(unit="orders.service", state="started"), scripted.connections, scripted.facts)
    time.sleep(0.05)
    later = scripted.facts.model_copy(update={"started": datetime.now(UTC)})
    restart = Service(unit="orders.service", state="restarted")
    seen = drive(restart, scripted.connections, later)
    assert seen.fresh
    drive(restart, scripted.connections, later)
    assert (systemctl / "said").read_text().split() == ["start", "stop", "start", "restart"]
    scripted.connections.close()


def test_an_unknown_unit_is_told(scripted: SshBench, systemctl: Path) -> None:
    assert systemctl.exists()
    action = Service(unit="nothing.service", state="started")
    reason = action.reason_not_to_apply(action.observe(scripted.look()), scripted.facts)
    assert reason is not None
    assert "knows no unit nothing.service" in reason
    scripted.connections.close()


def test_no_shell_reads_the_words_of_a_command(bench: SshBench) -> None:
    words = ("$(touch made)", "a; touch made", "`touch made`", "*", "a b", "'\"\\", "&& false")
    done = Run(argv=("printf", "%s\n", *words)).run(bench.hands())
    assert done.out.splitlines() == list(words)
    assert not (bench.directory / "made").exists()
    bench.connections.close()
