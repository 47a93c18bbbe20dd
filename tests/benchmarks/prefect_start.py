"""How soon a run is under way through Prefect, beside a plain Prefect script's first task."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.rows import Row, within
from benchmarks.step_cost import bare_prefect, settle
from prefect_server import Rides, once_recorded

from drtool.compiler import server

PAIRS = 7


def bench() -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        server.start(home)
        try:
            return measure(home)
        finally:
            server.stop(home)


def measure(home: Path) -> list[Row]:
    api = server.embedded(home)
    assert api is not None
    rides = Rides(home)
    up, first, claims, rival = [], [], [], []
    for _ in range(PAIRS):
        ride = rides.start(api, *({"name": f"s{i}"} for i in range(10)))
        ride.end()
        once_recorded(api, ride.run, lambda r: r.ended)
        up.append(ride.wait_for("up")["at"])
        first.append(ride.steps[0]["at"])
        claims += [step["waited"] * 1000 for step in ride.steps[2:]]
        rival.append(bare_prefect(home, api, 11)["first"])
        settle(api)
    rides.close()
    beyond = statistics.median(first) - statistics.median(rival)
    return [
        within(
            "executor: process start to first step",
            statistics.median(first),
            statistics.median(rival) + 0.5,
            statistics.median(rival),
            unit="s",
            note=f"{beyond:+.2f} s beside a bare script's first task",
        ),
        within("executor: a step is claimed, median", statistics.median(claims), 250),
        within("executor: a step is claimed, slowest", max(claims), 250),
    ]
