"""F15 to F17, F21 to F23: the journal's disk is full, broken, read-only; its files are not ours."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from effects import EffectServer, Said, Typist, until
from fault_record import Fault

from drtool.journal.opening import anchor_path
from drtool.process import runs

pytestmark = pytest.mark.faults
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
traced = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class InMidEffect:
    """A run whose first step's request has arrived and is not answered yet."""

    def __init__(self, typist: Typist) -> None:
        self.typist, self.server = typist, typist.server
        self.server.held = "/one"
        self.terminal = typist.follow()
        until(lambda: typist.journal.exists() or self.terminal.poll() is not None)
        assert self.terminal.poll() is None, self.terminal.communicate()
        typist.consent()
        until(lambda: self.server.effects)
        self.run = typist.newest()
        self.engine = typist.state(self.run).pid
        assert runs(self.engine)

    def answered(self) -> Said:
        """Let the effect end, and the run with it."""
        self.server.go.set()
        return self.typist.end(self.terminal)


def stopped_before_the_next_effect(run: InMidEffect, said: Said, *reasons: str) -> None:
    assert said.code == 7, said
    assert str(run.typist.home) in said.err
    assert any(reason in said.err for reason in reasons), said.err
    assert "hint: " in said.err
    assert run.server.effects == ["/one"]
    until(lambda: not runs(run.engine))


def resumed_once_it_is_mended(run: InMidEffect) -> None:
    """What was acknowledged is there; an effect in doubt is asked about, never done again.

    The outcome whose sync failed was told to nobody; it may be there all the same, or not.
    """
    typist = run.typist
    doubt = typist.state(run.run).step("one").mid_effect
    with typist.reading() as journal:
        assert journal.verify() == []
    assert typist.type("resume", run.run, "--detach").code == 0
    if doubt:
        until(lambda: typist.state(run.run).waiting_for)
        assert run.server.effects == ["/one"]
        typist.type("approve", run.run, "one", "--service", "orders")
    until(lambda: typist.state(run.run).ended)
    assert run.server.effects == (["/one", "/one", "/two"] if doubt else ["/one", "/two"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def remounted(disk: Path) -> bool:
    """Whether the disk could be made read-only."""
    said = subprocess.run(
        ["mount", "-o", "remount,ro", str(disk)], check=False, capture_output=True
    )
    return said.returncode == 0


@root
def test_f15_a_full_disk_stops_the_run_before_its_next_effect(
    tmp_path: Path, small_disk: Path, effect_server: EffectServer, fault: Fault
) -> None:
    typist = Typist(tmp_path, effect_server, small_disk / "home")
    run = InMidEffect(typist)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    assert os.statvfs(small_disk).f_bavail == 0
    fault.injected("not a byte is left on the journal's disk")
    stopped_before_the_next_effect(run, run.answered(), "the disk is full")
    filler.unlink()
    resumed_once_it_is_mended(run)
    typist.leave()


def test_f15_a_file_that_may_not_grow_stops_the_run_too(typist: Typist, fault: Fault) -> None:
    """Where nobody may mount: the engine's limit on a file's size, which it meets as it writes."""
    run = InMidEffect(typist)
    size = typist.journal.with_name(typist.journal.name + "-wal").stat().st_size
    resource.prlimit(run.engine, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    fault.injected(f"no file of the engine may grow beyond {size} bytes")
    said = run.answered()
    fault.got(said.err)
    stopped_before_the_next_effect(run, said, "the disk is full", "failed to write", "too large")
    resumed_once_it_is_mended(run)


@contextmanager
def injecting(pid: int, log: Path, what: str) -> Iterator[None]:
    """Have strace spoil the system calls of a live process, all its threads among them."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(pid), "-o", str(log), "-e", "trace=fsync,fdatasync",
         "-e", f"inject={what}"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert tracer.stderr is not None
    assert "attached" in tracer.stderr.readline()
    try:
        yield
    finally:
        if tracer.poll() is None:
            tracer.terminate()
        tracer.communicate()


@traced
def test_f16_a_sync_that_fails_is_never_tried_again(
    typist: Typist, tmp_path: Path, fault: Fault
) -> None:
    run, log = InMidEffect(typist), tmp_path / "strace.log"
    with injecting(run.engine, log, "fsync,fdatasync:error=EIO"):
        said = run.answered()
        until(lambda: not runs(run.engine))
    calls = [line for line in log.read_text().splitlines() if "sync(" in line]
    assert calls, "nothing was injected"
    assert all("EIO" in line for line in calls)
    fault.injected(f"{len(calls)} syncs ended with EIO")
    fault.got(said.err)
    stopped_before_the_next_effect(run, said, "the disk failed to write")
    resumed_once_it_is_mended(run)


@traced
def test_f16_one_sync_that_fails_is_enough(typist: Typist, tmp_path: Path, fault: Fault) -> None:
    """The next one would succeed; after a failed one nobody knows what the disk holds."""
    run, log = InMidEffect(typist), tmp_path / "strace.log"
    with injecting(run.engine, log, "fsync,fdatasync:error=EIO:when=1"):
        said = run.answered()
        until(lambda: not runs(run.engine))
    assert "EIO" in log.read_text()
    fault.injected("one sync ended with EIO")
    fault.got(said.err)
    stopped_before_the_next_effect(run, said, "the disk failed to write")
    resumed_once_it_is_mended(run)


@root
def test_f17_a_home_that_cannot_be_written_starts_nothing(
    tmp_path: Path, small_disk: Path, effect_server: EffectServer, fault: Fault
) -> None:
    typist = Typist(tmp_path, effect_server, small_disk / "home")
    typist.home.mkdir(mode=0o700)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="Read-only"):
        (typist.home / "x").touch()
    fault.injected("the home is on a read-only file system")
    said = typist.end(typist.follow())
    assert said.code == 7
    assert str(typist.home) in said.err
    assert "DRTOOL_HOME" in said.err
    fault.got(said.err)
    assert effect_server.effects == []


@root
def test_f17_a_home_that_becomes_read_only_shows_its_runs_and_takes_none(
    tmp_path: Path, small_disk: Path, effect_server: EffectServer, fault: Fault
) -> None:
    typist = Typist(tmp_path, effect_server, small_disk / "home")
    run = typist.start()
    typist.consent(run)
    until(lambda: typist.state(run).ended)
    until(lambda: not runs(typist.state(run).pid))
    # whoever told of the run may still have a file open
    until(lambda: remounted(small_disk))
    with pytest.raises(OSError, match="Read-only"):
        (typist.home / "x").touch()
    fault.injected("the home became read-only")
    assert typist.type("status", run).code == 0
    assert typist.type("journal", "verify").code == 0
    said = typist.end(typist.follow())
    assert said.code == 7
    assert str(typist.home) in said.err
    assert effect_server.effects == ["/one", "/two"]
    typist.leave()


def test_f21_a_database_that_stays_locked_stops_the_run(typist: Typist, fault: Fault) -> None:
    run = InMidEffect(typist)
    other = sqlite3.connect(typist.journal, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    fault.injected("another process holds the database: BEGIN IMMEDIATE succeeded")
    said = run.answered()
    stopped_before_the_next_effect(run, said, "another process")
    assert "fuser -v" in said.err
    fault.got(said.err)
    other.execute("ROLLBACK")
    other.close()
    resumed_once_it_is_mended(run)


@pytest.mark.parametrize("what", ["database", "log", "anchor", "home"])
def test_f22_a_journal_deleted_in_mid_run_stops_it(typist: Typist, what: str, fault: Fault) -> None:
    run = InMidEffect(typist)
    match what:
        case "database":
            typist.journal.unlink()
        case "log":
            typist.journal.with_name(typist.journal.name + "-wal").unlink()
        case "anchor":
            anchor_path(typist.journal).unlink()
        case _:
            typist.home.rename(typist.home.with_name("gone"))
    fault.injected(f"the {what} is gone")
    said = run.answered()
    stopped_before_the_next_effect(run, said, "gone", "deleted or replaced", "anchor")
    fault.got(said.err)
    again = typist.type("resume", run.run)
    assert again.code in {2, 7}
    assert run.server.effects == ["/one"]


def test_f23_a_journal_copied_from_another_machine_is_read_and_refused(
    typist: Typist, fault: Fault
) -> None:
    run = InMidEffect(typist)
    os.kill(run.engine, 9)
    run.answered()
    with sqlite3.connect(typist.journal) as database:
        database.execute("UPDATE meta SET machine = 'another'")
    database.close()
    fault.injected("the journal says that it was written on another machine")
    assert typist.type("status", run.run).code == 0
    said = typist.type("resume", run.run)
    assert said.code == 7
    assert "written on another machine" in said.err
    fault.got(said.err)
    assert "start a new run" in said.err
    assert typist.end(typist.follow()).code == 7
    assert run.server.effects == ["/one"]
