"""Ask the lab's Prefect server what it recorded of a run."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

from drtool.lab.prefect_server import Reach
from drtool.lab.runs import Ran
from drtool.model.purpose import Outcome

_PATIENCE_SECONDS = 10.0
_POLL = 0.2
_AT_MOST = 200


@dataclass(frozen=True)
class Recorded:
    """What Prefect has of a run: ``missing`` names the steps that it does not show COMPLETED."""

    run: str
    flow_state: str
    steps: int
    missing: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether the flow and all of the run's steps are there and completed."""
        return self.flow_state == "COMPLETED" and not self.missing


def recorded(found: Reach, ran: Ran) -> Recorded:
    """What the server has once it has caught up with the run's events, or after 10 s."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        seen = _ask(found, ran)
        if seen.whole or time.monotonic() > until:
            return seen
        time.sleep(_POLL)


def _ask(found: Reach, ran: Ran) -> Recorded:
    run = ran.report.run
    wanted = {step.name for step in ran.report.steps if step.outcome is Outcome.SUCCEEDED}
    try:
        with found.client() as client:
            named = {"flow_runs": {"name": {"any_": [run]}}}
            flows = client.post("/flow_runs/filter", json=named).raise_for_status().json()
            if not flows:
                return Recorded(run, "none", 0, tuple(sorted(wanted)))
            within = {
                "flow_runs": {"id": {"any_": [flows[0]["id"]]}},
                "limit": _AT_MOST,
            }
            tasks = client.post("/task_runs/filter", json=within).raise_for_status().json()
    except httpx.HTTPError as error:
        return Recorded(run, f"no answer: {error}", 0, tuple(sorted(wanted)))
    done = {task["name"] for task in tasks if task["state_type"] == "COMPLETED"}
    state = str(flows[0]["state_type"])
    return Recorded(run, state, len(done & wanted), tuple(sorted(wanted - done)))
