"""Failover as a Prefect entry point for deployments and schedules."""

from __future__ import annotations

from typing import Literal

from prefect import flow

from drtool.verbs.deployed import carry_out


@flow(name="drtool failover", log_prints=True)
def failover(
    runbook: str, mode: Literal["dry-run", "drill"] = "dry-run", options: list[str] | None = None
) -> str:
    """Run the runbook's failover and give the run's id; a drill waits for ``drtool approve``.

    ``options`` are words of the command line, such as ``--inventory`` and a path.
    """
    return carry_out("failover", runbook, f"--{mode}", *(options or []))
