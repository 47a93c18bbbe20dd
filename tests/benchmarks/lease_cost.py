"""What the lease's checks and the hosts' guard add to a planned switchover in the lab."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.lab_world import LabWorld
from benchmarks.rows import Row, rounds, within

from drtool.connections.token_guard import TokenGuard

ROUNDS = int(os.environ.get("ROUNDS", "5"))
MOST_MS = 5.0
# Read by each Python that starts with this directory on its path: it notes what checks took.
WATCH = """
import json, os, time
from drtool.lease.pair import PairLease
from drtool.connections.token_guard import TokenGuard
noted = os.environ["LEASE_COST"]
def timed(kind, name):
    plain = getattr(kind, name)
    def call(*given):
        began = time.perf_counter()
        try:
            return plain(*given)
        finally:
            took = time.perf_counter() - began
            with open(noted, "a") as out:
                out.write(json.dumps([name, took]) + "\\n")
    setattr(kind, name, call)
timed(PairLease, "check")
timed(TokenGuard, "argv")
"""


def bench() -> list[Row]:
    with LabWorld() as world:
        directory = Path(world.environment["DRTOOL_HOME"]).parent / "watch"
        directory.mkdir()
        (directory / "sitecustomize.py").write_text(WATCH)
        guard = guard_ms(directory)
        costs, asked = [], list[float]()
        for number in rounds(ROUNDS):
            noted = directory / f"{number}.json"
            world.environment |= {"PYTHONPATH": str(directory), "LEASE_COST": str(noted)}
            world.settle()
            world.drive("switchover", "--engine", "direct")
            told = [json.loads(line) for line in noted.read_text().splitlines()]
            commands = sum(name == "argv" for name, _ in told)
            costs.append(1000 * sum(took for _, took in told) + commands * guard)
            asked += [1000 * took for name, took in told if name == "check"]
        checks = sum(name == "check" for name, _ in told)
    note = f"{checks} checks, {commands} commands on hosts at {guard:.2g} ms each"
    return [
        within(
            "lease checks and guards in a planned switchover",
            statistics.median(costs),
            MOST_MS,
            unit="ms",
            note=note,
        ),
        within(
            "one check of the lease at both sites",
            statistics.median(asked),
            None,
            unit="ms",
            note=f"the slowest took {max(asked):.2g} ms",
        ),
    ]


def guard_ms(directory: Path) -> float:
    """What the guard's shell adds to a command, on its usual way."""
    marks = (("postgresql.east", "20261125170000123456-4711"), ("postgresql.west", "2-1"))
    plain = ["sh", "-c", "exit 0"]
    guarded = TokenGuard("orders", lambda: marks).argv(str(directory), plain)
    taken = {True: list[float](), False: list[float]()}
    for number in range(60):
        began = time.perf_counter()
        subprocess.run(guarded if number % 2 else plain, check=True)
        taken[bool(number % 2)].append(time.perf_counter() - began)
    return max(0.0, 1000 * (statistics.median(taken[True]) - statistics.median(taken[False])))
