from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drtool.clock import SystemClock
from drtool.errors import JournalUnusable, LeaseHeld
from drtool.lease.local import LocalLease, take_local

CHILD = """
import sys
from pathlib import Path
from drtool.clock import SystemClock
from drtool.errors import LeaseHeld
from drtool.lease.local import take_local
print("ready", flush=True)
sys.stdin.readline()
home, holder = Path(sys.argv[1]), sys.argv[2]
try:
    lease = take_local("orders", home, SystemClock(), holder, "run-" + holder)
    print("won", lease.token, flush=True)
except LeaseHeld as error:
    print(error.found, flush=True)
sys.stdin.readline()
"""


def child(home: Path, holder: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home), holder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def take(home: Path, holder: str = "ann", service: str = "orders") -> LocalLease:
    return take_local(service, home, SystemClock(), holder, f"run-of-{holder}")


def test_one_holds_and_the_other_is_told_who(tmp_path: Path) -> None:
    lease = take(tmp_path)
    with pytest.raises(LeaseHeld, match="held by ann, run run-of-ann, since ") as raised:
        take(tmp_path, "ben")
    assert "drtool abort run-of-ann" in raised.value.hint
    take(tmp_path, "ben", "payments").release()
    lease.check()
    lease.release()
    again = take(tmp_path, "ben")
    assert again.token > lease.token
    again.release()
    again.release()


def test_a_lease_whose_file_was_replaced_is_lost(tmp_path: Path) -> None:
    lease = take(tmp_path)
    path = tmp_path / "leases" / "orders.lock"
    path.unlink()
    with pytest.raises(LeaseHeld, match="lost"):
        lease.check()
    other = take(tmp_path, "ben")
    with pytest.raises(LeaseHeld, match="replaced"):
        lease.check()
    other.check()
    lease.release()
    other.release()


def test_twenty_starts_at_the_same_moment_have_one_winner(tmp_path: Path) -> None:
    children = [child(tmp_path, f"h{number}") for number in range(20)]
    try:
        assert {line(process) for process in children} == {"ready"}
        for process in children:
            tell(process)
        said = [line(process) for process in children]
    finally:
        for process in children:
            process.communicate("\n")
    won = [f"h{number}" for number, text in enumerate(said) if text.startswith("won")]
    assert len(won) == 1
    refused = [text for text in said if text.startswith(f"held by {won[0]}, run run-{won[0]}, ")]
    assert len(refused) == 19


def test_a_killed_holders_lease_is_free_and_its_token_counts(tmp_path: Path) -> None:
    tokens = []
    for _ in range(2):
        process = child(tmp_path, "h")
        line(process)
        tell(process)
        tokens.append(line(process))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert tokens == ["won 000000000001", "won 000000000002"]


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("")
    with pytest.raises(JournalUnusable, match="leases"):
        take(tmp_path)
    (tmp_path / "leases").unlink()
    (tmp_path / "leases" / "orders.lock").mkdir(parents=True)
    with pytest.raises(JournalUnusable, match=r"orders\.lock"):
        take(tmp_path)
