"""F11: an action leaves child processes; at the deadline their whole group is ended."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import pytest
from effects import until
from fault_record import Fault
from ssh_bench import SshBench
from ssh_host import SshHost

from drtool.actions.ssh import Run
from drtool.connections import secrets
from drtool.connections.secrets import Secrets
from drtool.errors import BadInput, StepFailed
from drtool.model.secret import SecretRef
from drtool.redact import Redactor

pytestmark = pytest.mark.faults
# It leaves one child in the background, one that ignores SIGTERM, and waits for a third.
LEAVES = """
sh -c 'while :; do sleep 1; done' "$1" &
sh -c 'trap "" TERM; while :; do sleep 1; done' "$1" &
: >"$2"
sh -c 'while :; do sleep 1; done' "$1"
"""


def left(mark: str) -> list[str]:
    """The processes that bear a mark in their arguments, zombies left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if mark in words:
            found.append(process.name)
    return found


@pytest.fixture
def leaving(tmp_path: Path) -> tuple[str, ...]:
    """A command that leaves child processes."""
    script = tmp_path / "leaves"
    script.write_text(LEAVES)
    return ("sh", str(script), str(tmp_path), str(tmp_path / "begun"))


def test_f11_what_a_command_on_a_host_has_started_ends_with_it(
    any_ssh_host: SshHost, tmp_path: Path, leaving: tuple[str, ...], fault: Fault
) -> None:
    bench = SshBench(any_ssh_host, tmp_path)
    with pytest.raises(StepFailed, match="took too long"):
        Run(argv=leaving).run(bench.hands(seconds_left=10.0))
    assert (tmp_path / "begun").exists(), "its children were started"
    fault.injected("two children were left behind, one of them deaf to SIGTERM")
    until(lambda: not left(str(tmp_path)), 20)
    bench.connections.close()


def test_f11_what_the_command_of_a_secret_has_started_ends_with_it(
    tmp_path: Path, leaving: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 6.0)
    reference = SecretRef(secret=f"command:{shlex.join(leaving)}")
    began = time.monotonic()
    with pytest.raises(BadInput, match="did not answer within 6 s"):
        Secrets(Redactor()).resolve(reference)
    assert (tmp_path / "begun").exists(), "its children were started"
    fault.injected("two children were left behind, one of them deaf to SIGTERM")
    assert time.monotonic() - began < 60, "children that hold its output are not waited for"
    until(lambda: not left(str(tmp_path)), 20)
