"""The how-tos for Patroni and PgBouncer: what they show is clean, and the guard guards."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest
import yaml

from drtool.catalog import Catalog
from drtool.runbook.load import load
from drtool.shipped import shipped

HOW_TO = shipped("docs") / "how-to"
PATRONI = (HOW_TO / "patroni.md").read_text(encoding="utf-8")
PGBOUNCER = (HOW_TO / "pgbouncer.md").read_text(encoding="utf-8")
HEAD = """\
version: 1
runbook: orders
strategy: hot-standby
service: orders
inventory: inventory.yaml
objectives: {rto: 5m, rpo: 10s, downtime: 2m}
"""


def blocks(page: str, kind: str = "yaml") -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


def warnings(directory: Path, runbook: str, inventory: str) -> list[str]:
    (directory / "orders.yaml").write_text(runbook)
    (directory / "inventory.yaml").write_text(inventory)
    return list(load(directory / "orders.yaml", None, Catalog.load(), {}).warnings)


def test_the_patroni_guide_shows_clean_documents(tmp_path: Path) -> None:
    inventory, procedures = blocks(PATRONI)
    said = warnings(tmp_path, HEAD + procedures, inventory)
    assert [text for text in said if "west.orders_db has no boot guard" not in text] == []


def test_the_pgbouncer_guide_shows_clean_documents(tmp_path: Path) -> None:
    pool, steps = blocks(PGBOUNCER)
    inventory = yaml.safe_load(blocks((HOW_TO.parent / "reference" / "language.md").read_text())[0])
    inventory["sites"]["east"]["systems"] |= yaml.safe_load(pool)
    inventory["sites"]["west"]["systems"] |= {
        "pool": {"kind": "pgbouncer", "host": "west_pool", "databases": ["orders"]}
    }
    for site in ("east", "west"):
        ssh = {**inventory["hosts"]["east_db"]["ssh"], "address": f"pool.{site}.shop.example"}
        inventory["hosts"][f"{site}_pool"] = {"site": site, "ssh": ssh}
    entries = textwrap.indent(steps, "    ")
    runbook = f'{HEAD}waivers: {{failback: "shown"}}\nprocedures:\n  switchover:\n{entries}'
    assert all("outside" in text for text in warnings(tmp_path, runbook, yaml.safe_dump(inventory)))


@pytest.mark.parametrize(
    ("released", "configuration", "other", "starts"),
    [
        (False, "ttl: 30", "exit 22", False),
        (True, "ttl: 30", "exit 22", True),
        (False, "standby_cluster:\\n  host: x", "exit 22", True),
        (False, "ttl: 30", "exit 0", True),
    ],
)
def test_the_guard_lets_patroni_start_only_where_nobody_else_is_the_primary(
    tmp_path: Path, configuration: str, other: str, *, released: bool, starts: bool
) -> None:
    (guard,) = blocks(PATRONI, "sh")
    release = tmp_path / "release"
    (tmp_path / "guard").write_text(guard.replace("/etc/patroni/release", str(release)))
    for name, line in (("patronictl", f"printf '{configuration}\\n'"), ("curl", other)):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    if released:
        release.touch()
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(["sh", tmp_path / "guard"], env={"PATH": path}, check=False)
    assert (done.returncode == 0, release.exists()) == (starts, False)
