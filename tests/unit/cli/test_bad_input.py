"""Bad input as a person meets it: exit code 2, place, reason and fix, and nothing is started."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from covered import covered
from good_documents import INVENTORY, RUNBOOK, changed, write

Damage = Callable[[], int]
FENCE = "{step: fence, action: postgresql.fence, at: from, budget: 20s, deadline: 60s}"
START = ("failover", "orders.yaml", "--from", "east", "--to", "west", "--detach")


def runbook(old: str, new: str) -> Damage:
    return lambda: Path("orders.yaml").write_text(changed(RUNBOOK, [(old, new)]))


def inventory(old: str, new: str) -> Damage:
    return lambda: Path("inventory.yaml").write_text(changed(INVENTORY, [(old, new)]))


def raw(content: bytes) -> Damage:
    return lambda: Path("orders.yaml").write_bytes(content)


ROWS: dict[str, tuple[Damage, str]] = {
    "an empty file": (raw(b""), "orders.yaml:1:1: the file is empty"),
    "no mapping": (raw(b"- a\n"), "orders.yaml:1:1: the document is not a mapping"),
    "a python object": (raw(b"a: !!python/object:x {}\n"), "orders.yaml:1:4: tag !!python/object"),
    "UTF-16": (raw("version: 1".encode("utf-16")), "orders.yaml:1:1: the file is UTF-16"),
    "5 MB": (raw(b"a: 1 # " + b"x" * 5_000_000), "more than 1,000,000"),
    "an unknown key": (runbook("strategy:", "stratgy:"), "orders.yaml:3:1: unknown key stratgy"),
    "a duration without unit": (runbook("budget: 20s", "budget: 20"), "orders.yaml:15:65: step"),
    "no fence": (
        runbook(f"    - {FENCE}\n", ""),
        "promotes with no fence before it",
    ),
    "an unknown action": (runbook("dns.redirect", "dns.redirct"), "did you mean dns.redirect?"),
    "an extra that is not here": (
        runbook("dns.redirect", "kubernetes.scale"), "unknown action kubernetes.scale"
    ),
    "a secret in clear": (inventory('{secret: "env:BMC"}', "hunter2"), "is a secret in clear"),
    "a missing host": (inventory("host: west_db", "host: west"), "did you mean west_db?"),
    "a weak TSIG algorithm": (
        inventory("zone: test", "zone: test\n  algorithm: hmac-md5"), "hmac-md5 is too weak"
    ),
}  # fmt: skip


def start(*words: str) -> subprocess.CompletedProcess[str]:
    home = Path.cwd() / "home"
    return subprocess.run(
        [sys.executable, "-m", "drtool", *words],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**covered(), "DRTOOL_HOME": str(home), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def nothing_was_started() -> bool:
    return not list((Path.cwd() / "home").rglob("*.sqlite"))


@pytest.mark.parametrize(("damage", "told"), ROWS.values(), ids=ROWS.keys())
def test_it_ends_with_code_2_and_starts_nothing(
    damage: Damage, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write("orders.yaml", RUNBOOK)
    write("inventory.yaml", INVENTORY)
    tsig = write("tsig", "c2VjcmV0c2VjcmV0")
    tsig.chmod(0o600)
    damage()
    done = start(*START)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert nothing_was_started()
