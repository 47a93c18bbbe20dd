"""drtool watch at the command line, where nothing answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from good_documents import INVENTORY, RUNBOOK

SIGNALS = '    signals: [{http: "http://127.0.0.1:9/"}, {heartbeat: west.orders_db}]\n'
ALLOWED = "    automatic: {failover: {runbook: orders.yaml, allowed_by: Ann Example}}\n"
AFTER = "    lease: {at: postgresql}\n"


def watch(directory: Path, *words: str, more: str = SIGNALS) -> subprocess.CompletedProcess[str]:
    inventory = INVENTORY.replace(AFTER, AFTER + more)
    inventory = inventory.replace("192.0.2.1", "127.0.1.1").replace("192.0.2.2", "127.0.2.1")
    inventory = inventory.replace("data_directory: /srv/pg,", "data_directory: /srv/pg, port: 9,")
    (directory / "inventory.yaml").write_text(inventory, encoding="utf-8")
    (directory / "orders.yaml").write_text(RUNBOOK, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "drtool", "watch", "orders.yaml", *words],
        cwd=directory, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "DRTOOL_HOME": str(directory / "home")},
    )  # fmt: skip


def test_one_look_says_what_is_seen_from_where(tmp_path: Path) -> None:
    done = watch(tmp_path, "--once")
    assert done.returncode == 1, done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(
        r"Z orders may be out since \d\d:\d\d:\d\dZ \(http .* seen from here\): ", said
    )
    assert "seen from one place only, which may be cut off itself" in said
    assert "heartbeat west.orders_db seen from west: cannot say: " in said
    assert re.search(r"drtool failover orders.yaml --inventory inventory.yaml --outage-since", said)
    assert "nothing is started by itself for orders" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_machine_at_the_standbys_site_is_no_place_of_its_own(tmp_path: Path) -> None:
    done = watch(tmp_path, "--once", "--json", "--site", "west")
    (told,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert told["finding"]["about"] == "suspicion"
    assert "http http://127.0.0.1:9/ seen from west" in told["finding"]["text"]


def test_signals_from_one_place_are_said_to_tell_no_outage(tmp_path: Path) -> None:
    done = watch(tmp_path, "--once", "--site", "west")
    assert "no outage of orders can be told: all its signals look from west" in done.stderr


def test_an_automatic_failover_that_could_never_begin_is_refused(tmp_path: Path) -> None:
    done = watch(tmp_path, "--once", "--site", "west", more=SIGNALS + ALLOWED)
    assert done.returncode == 2
    assert done.stderr == (
        "service orders: all its signals look from west, so that no failover could begin by "
        "itself; expected signals from two places\n"
        "  hint: a signal with from_host at another site; no --site where this machine is at none\n"
    )


def test_a_site_that_the_inventory_does_not_know_is_no_second_place(tmp_path: Path) -> None:
    done = watch(tmp_path, "--once", "--site", "wset")
    assert done.returncode == 2
    assert done.stderr == (
        "--site wset: is no site; expected east, west\n  hint: did you mean west?\n"
    )


def test_what_may_be_started_by_itself_is_said_first(tmp_path: Path) -> None:
    done = watch(tmp_path, "--once", more=SIGNALS + ALLOWED)
    assert (
        "a FAILOVER of orders would be started by a watch that goes on: Ann Example allowed "
        "orders.yaml, once in 1d" in done.stderr
    )
    assert not (tmp_path / "home" / "journal.sqlite").exists()


@pytest.mark.parametrize(
    ("words", "more", "said"),
    [
        ((), "", "service orders: inventory.yaml names no signals of it"),
        (("--every", "1m"), SIGNALS, "--every: 1m; expected more than 0s and at most 10s"),
        (("--every", "5"), SIGNALS, "watch: '5' is not a duration"),
        (("--waiting", "soon"), SIGNALS, "watch: 'soon' is not a duration"),
    ],
)
def test_what_cannot_be_watched_is_bad_input(
    tmp_path: Path, words: tuple[str, ...], more: str, said: str
) -> None:
    done = watch(tmp_path, "--once", *words, more=more)
    assert done.returncode == 2
    assert done.stderr.startswith(said), done.stderr
