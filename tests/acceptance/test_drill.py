"""The drill as a user runs it: lose a site under load, fail over, come home, lose nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from machine_servers import needed

from drtool.lab.processes import marked
from drtool.lab.servers import dns, openssh, postgresql

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
ON_THE_MACHINES = ("--servers", "system")


def drill(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return drtool(home, "lab", "drill", *words)


def drtool(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.run(
        [sys.executable, "-m", "drtool", *words],
        env={
            **kept,
            "DRTOOL_HOME": str(home / "runs"),
            "DRTOOL_LAB_HOME": str(home / "lab"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        # without any words: in test_wheel.py; the other ways: make drills
        ("--prefect", "hang"),
        (*ON_THE_MACHINES, "--dns", "bind", "--engine", "direct"),
    ],
    ids=lambda words: " ".join(words).replace("--", ""),
)
def test_the_drill_passes(tmp_path: Path, words: tuple[str, ...]) -> None:
    if "system" in words:
        for found in (postgresql.find(), dns.find("bind"), dns.find("knot"), openssh.find()):
            needed(found)
    done = drill(tmp_path, *words)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "The drill passed" in told
    assert "proof by power" in told
    assert "the guard holds PostgreSQL back" in told
    assert ("system servers: PostgreSQL" in told) is ("system" in words)
    assert ("Prefect was asked" in told) is (words == ON_THE_MACHINES)
    assert not (tmp_path / "lab").exists()
    assert marked("DRTOOL_LAB_HOME", str(tmp_path / "lab")) == []
    runs = json.loads(drtool(tmp_path, "runs", "--json").stdout)["runs"]
    assert [run["procedure"] for run in runs] == ["failback", "reprotect", "failover"]
    assert len(list((tmp_path / "runs" / "reports").glob("*.html"))) == 3


@pytest.mark.parametrize(
    "words",
    [("--engine", "magic"), ("--prefect", "gone"), ("--servers", "magic"), ("--dns", "bind")],
)
def test_a_drill_that_is_misspelt_starts_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = drill(tmp_path, *words)
    assert done.returncode == 2
    assert " ".join(words) in done.stderr
    assert not (tmp_path / "lab").exists()
