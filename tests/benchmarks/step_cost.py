"""What a step that does nothing costs: its commits, and its time beside the least it could be."""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, against, within
from prefect_server import once_recorded

from drtool.compiler import server
from drtool.compiler.api import Api

HERE = Path(__file__).parent
STEPS, PAIRS = 200, int(os.environ.get("PAIRS", "5"))


def bench() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=HERE.parent.parent) as scratch:
        home = Path(scratch)
        rows = direct(home)
        server.start(home)
        try:
            api = server.embedded(home)
            assert api is not None
            return rows + through_prefect(home, api)
        finally:
            server.stop(home)


def direct(home: Path) -> list[Row]:
    ours, rival, commits = [], [], 0.0
    for pair in range(PAIRS):
        told = ours_once(home / f"direct-{pair}")
        commits = max(commits, told["commits"])
        ours.append(told["ms"])
        rival.append(bare_commits(home / f"bare-{pair}.sqlite", round(told["commits"])))
    return [
        within("commits of a step that does nothing", commits, 3.1, unit="commits"),
        against(
            "a step that does nothing, directly",
            statistics.median(ours),
            statistics.median(rival),
            1.5,
            note="as many bare FULL commits with a synced anchor",
        ),
    ]


def through_prefect(home: Path, api: Api) -> list[Row]:
    ours, rival, carried = [], [], []
    for pair in range(PAIRS):
        told = ours_once(home / f"prefect-{pair}", api)
        once_recorded(api, told["run"], lambda r: r.ended and len(r.completed) == STEPS, 60)
        carried.append(told["vias"].get("prefect", 0) / STEPS)
        ours.append(told["ms"])
        rival.append(bare_prefect(home, api, STEPS)["ms"])
        settle(api)
    return [
        against(
            "a step that does nothing, through Prefect",
            statistics.median(ours),
            statistics.median(rival),
            1.5,
            note="a bare Prefect task",
        ),
        within("steps that Prefect did not carry", 1 - min(carried), 0, unit="of all"),
    ]


def ours_once(directory: Path, api: Api | None = None) -> dict[str, Any]:
    directory.mkdir()
    where = [api.url, api.auth] if api else []
    return told_by(
        [sys.executable, str(HERE / "nothing_child.py"), str(directory), str(STEPS), *where]
    )


def bare_prefect(home: Path, api: Api, steps: int) -> dict[str, Any]:
    environment = {
        **os.environ,
        "PREFECT_API_URL": api.url,
        "PREFECT_API_AUTH_STRING": api.auth,
        "PREFECT_HOME": str(home / "bare-prefect"),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "BEGAN": str(time.time()),
    }
    return told_by([sys.executable, str(HERE / "bare_prefect.py"), str(steps)], environment)


def told_by(command: list[str], environment: dict[str, str] | None = None) -> dict[str, Any]:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=120)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def bare_commits(path: Path, per_step: int) -> float:
    """What as many commits of one row, each with one synced anchor write, take, in ms."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, text TEXT)")
    anchor = os.open(path.with_suffix(".anchor"), os.O_RDWR | os.O_CREAT)
    os.pwrite(anchor, bytes(8192), 0)
    os.fsync(anchor)
    started = time.perf_counter()
    for _ in range(STEPS * per_step):
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO events (text) VALUES (?)", ("x" * 500,))
        database.execute("COMMIT")
        os.pwrite(anchor, b"a" * 256, 0)
        os.fdatasync(anchor)
    took = (time.perf_counter() - started) / STEPS * 1000
    database.close()
    os.close(anchor)
    return took


def settle(api: Api) -> None:
    """Wait until the server has worked off what it was sent: its answers are quick again."""
    quick = 0
    while quick < 5:
        started = time.perf_counter()
        api.post("/task_runs/count", {}, 30)
        quick = quick + 1 if time.perf_counter() - started < 0.05 else 0
        time.sleep(0.1)
