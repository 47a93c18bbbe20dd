"""How long ``drtool doctor`` takes, from Enter to its last line: all well, and with a site dead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.lab_world import DRTOOL, REPOSITORY, RUNBOOK, LabWorld
from benchmarks.rows import Row, within

TIMES = 5
_SERVERS = ("postgresql", "ssh", "dns", "orders")


def bench() -> list[Row]:
    with LabWorld() as world:
        well = [examine(world, code=0) for _ in range(TIMES)]
        with frozen(world, "east"):
            silent = [examine(world, code=1) for _ in range(TIMES)]
        world.lab("break", "east")
        dead = [examine(world, code=1) for _ in range(TIMES)]
    note = f"slowest of {TIMES}"
    return [
        within("doctor, everything reachable", max(well), 3.0, unit="s", note=note),
        within("doctor, a site that is silent", max(silent), 6.0, unit="s", note=note),
        within("doctor, a site without power", max(dead), 6.0, unit="s", note=note),
    ]


def examine(world: LabWorld, *, code: int) -> float:
    """One examination of the runbook; the dead host must be the only problem."""
    words = ["doctor", RUNBOOK, "--inventory", world.status["inventory"], "--json"]
    began = time.monotonic()
    done = subprocess.run(
        [*DRTOOL, *words],
        env=world.environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - began
    assert done.returncode == code, done.stdout + done.stderr
    hosts = [one for one in json.loads(done.stdout)["findings"] if one["area"] == "hosts"]
    assert [one["subject"] for one in hosts if one["state"] == "problem"] == ["host east_db"] * code
    return took


@contextmanager
def frozen(world: LabWorld, site: str) -> Iterator[None]:
    """A site whose servers take connections and say nothing."""
    pids = [world.site(site)[name]["pid"] for name in _SERVERS]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
