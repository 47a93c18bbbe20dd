"""From the command line: who may start, who is refused, and what a person can do about it.

The service is one that moves by a command on a host; its lease is a file on that host.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fault_record import Fault
from lease_world import LeaseWorld
from postgresql_pair import wait_until

RUNBOOK = """\
version: 1
runbook: orders
inventory: inventory.yaml
service: orders
waivers: {failback: "an exercise"}
procedures:
  failover:
    - {step: consent, approval: {of: incident_commander, budget: 10m, otherwise: abort}}
    - {step: start, action: ssh.run, at: to.west_host, argv: [touch, MADE], purpose: verify}
"""


class Machine:
    """A machine with a journal of its own, from which drtool is typed."""

    def __init__(self, name: str, world: LeaseWorld) -> None:
        self.home, self.runbook = world.directory / name, world.directory / "orders.yaml"
        self.made = world.directory / "made"
        self.runbook.write_text(RUNBOOK.replace("MADE", str(self.made)))
        told = world.document({"at": "file"})
        (world.directory / "inventory.yaml").write_text(json.dumps(told))
        self.inventory = world.directory / "inventory.yaml"

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "drtool", *words],
            capture_output=True, text=True, check=False, timeout=90, stdin=subprocess.DEVNULL,
            env={**os.environ, "DRTOOL_HOME": str(self.home)},
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def fails_over(self, *more: str) -> subprocess.CompletedProcess[str]:
        words = ("--from", "east", "--to", "west", "--engine", "direct", "--detach", "--json")
        return self.types("failover", str(self.runbook), *words, *more)

    def starts(self, *more: str) -> str:
        done = self.fails_over(*more)
        assert done.returncode == 0, done.stderr
        run = str(json.loads(done.stdout)["run"])
        wait_until(lambda: self.status(run)["waiting"], 60)
        return run

    def status(self, run: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.types("status", run, "--json").stdout)
        return found

    def approves(self, run: str) -> None:
        done = self.types("approve", run, "consent", "--service", "orders")
        assert done.returncode == 0, done.stderr

    def ended(self, run: str) -> dict[str, object]:
        wait_until(lambda: self.status(run)["exit_code"] is not None, 60)
        return self.status(run)

    def engine(self, run: str) -> int:
        listed = json.loads(self.types("runs", "--json").stdout)["runs"]
        return int(next(one["pid"] for one in listed if one["run"] == run))

    def report(self, run: str) -> str:
        return self.types("report", run, "--json").stdout


@pytest.fixture
def first(lease_world: LeaseWorld) -> Machine:
    return Machine("first", lease_world)


@pytest.fixture
def second(lease_world: LeaseWorld) -> Machine:
    return Machine("second", lease_world)


@pytest.mark.faults
def test_f08_a_run_whose_engine_was_frozen_and_taken_over_ends_before_its_next_effect(
    first: Machine, second: Machine, fault: Fault
) -> None:
    run = first.starts()
    engine = first.engine(run)
    os.kill(engine, signal.SIGSTOP)
    status = Path(f"/proc/{engine}/status")
    wait_until(lambda: "(stopped)" in status.read_text())
    fault.injected(f"engine {engine} is stopped")
    refused = second.fails_over()
    assert refused.returncode == 3
    assert run in refused.stderr
    assert "since 20" in refused.stderr
    assert "--take-over --reason" in refused.stderr
    assert second.fails_over("--take-over").returncode == 2
    forced = second.fails_over("--take-over", "--reason", "its machine hangs")
    assert forced.returncode == 0, forced.stderr
    assert "THE LEASE WAS TAKEN OVER BY FORCE" in forced.stderr
    assert run in forced.stderr
    other = str(json.loads(forced.stdout)["run"])
    wait_until(lambda: second.status(other)["waiting"], 60)
    os.kill(engine, signal.SIGCONT)
    first.approves(run)
    lost = first.ended(run)
    assert lost["outcome"] == "refused", lost
    assert not first.made.exists()
    fault.got(str(lost["steps"]))
    told = first.types("explain", run)
    assert "it was lost" in told.stdout + told.stderr, told
    second.approves(other)
    assert second.ended(other)["exit_code"] == 0
    assert second.made.exists()
    assert "its machine hangs" in second.report(other)
    assert "lease_taken_over" in second.report(other) or "TAKEN OVER" in second.report(other)


def test_a_frozen_service_refuses_every_live_start_until_it_is_thawed(
    first: Machine, second: Machine
) -> None:
    where = ("--inventory", str(first.inventory))
    assert first.types("freeze", "orders", *where).returncode == 2
    earlier = second.starts()
    second.types("deny", earlier, "consent")
    second.ended(earlier)
    done = first.types("freeze", "orders", *where, "--reason", "stock-taking", "--until", "8h")
    assert done.returncode == 0, done.stderr
    assert "stock-taking; kept at file at east, file at west" in done.stdout
    refused = second.fails_over()
    assert refused.returncode == 3
    assert "service orders: is frozen by " in refused.stderr
    assert "stock-taking (at file at " in refused.stderr
    assert f"drtool thaw orders --inventory {first.inventory} --reason why" in refused.stderr
    assert second.fails_over("--drill").returncode == 3
    aside = second.starts("--break-glass", "--reason", "the site burns")
    assert "is frozen by " in second.report(aside)
    second.types("deny", aside, "consent")
    second.ended(aside)
    assert second.fails_over("--dry-run").returncode == 0
    doctor = second.types("doctor", *where)
    assert "frozen by" in doctor.stdout, doctor.stdout
    known = json.loads(second.types("status", "--json").stdout)["services"]
    assert [one["service"] for one in known] == ["orders"]
    assert "stock-taking" in known[0]["frozen"]
    assert "drtool thaw orders" in second.types("status").stdout
    assert second.types("thaw", "orders", *where, "--reason", "done").returncode == 0
    run = second.starts()
    second.types("deny", run, "consent")
    second.ended(run)


def test_a_freeze_ends_at_its_time_and_is_not_lost_with_one_site(
    first: Machine, second: Machine, lease_world: LeaseWorld
) -> None:
    where = ("--inventory", str(first.inventory))
    long_ago = first.types("freeze", "orders", *where, "--reason", "x", "--until", "2020-01-01T00Z")
    assert (long_ago.returncode, "is over" in long_ago.stderr) == (2, True)
    assert first.types("freeze", "orders", *where, "--reason", "audit").returncode == 0
    lease_world.hosts["east"].stop()
    assert "audit" in second.fails_over().stderr
    thawed = second.types("thaw", "orders", *where, "--reason", "done")
    assert thawed.returncode == 1
    assert "is thawed but at file at east" in thawed.stderr
    lease_world.hosts["west"].stop()
    nobody = second.types("freeze", "orders", *where, "--reason", "audit")
    assert nobody.returncode == 1
    assert "no place takes the flag" in nobody.stderr


def test_a_service_whose_arbiter_can_keep_no_flag_says_what_can(
    first: Machine, lease_world: LeaseWorld
) -> None:
    told = lease_world.document({"at": "journal"})
    first.inventory.write_text(json.dumps(told))
    done = first.types("freeze", "orders", "--inventory", str(first.inventory), "--reason", "x")
    assert done.returncode == 2
    assert "{at: journal, freeze: dns}" in done.stderr
    told["services"]["orders"]["lease"]["freeze"] = "file"
    first.inventory.write_text(json.dumps(told))
    done = first.types("freeze", "orders", "--inventory", str(first.inventory), "--reason", "x")
    assert done.returncode == 0, done.stderr
    assert first.types("freeze", "order", "--inventory", str(first.inventory), "--reason", "x")
    assert first.fails_over().returncode == 3
