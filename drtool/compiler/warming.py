"""Take a server's first flow upon us, so that an incident's first flow does not wait for it."""

from __future__ import annotations

from contextlib import suppress

from drtool.compiler.api import Api
from drtool.errors import DrtoolError

WARM_SECONDS = 10.0
NAME = "drtool.warm-up"


def warm(api: Api) -> None:
    """Send the requests of a small flow and take the flow away; a failure costs only warmth."""
    with suppress(DrtoolError):
        flow = api.post("/flows/", {"name": NAME}, WARM_SECONDS)["id"]
        wanted = {"flow_id": flow, "name": NAME, "tags": [NAME], "state": {"type": "PENDING"}}
        run = api.post("/flow_runs/", wanted, WARM_SECONDS)["id"]
        api.get("/admin/storage", WARM_SECONDS)
        for state in ("RUNNING", "COMPLETED"):
            body = {"state": {"type": state}}
            api.post(f"/flow_runs/{run}/set_state", body, WARM_SECONDS)
            api.get(f"/flow_runs/{run}", WARM_SECONDS)
        ours = {"flow_runs": {"tags": {"all_": [NAME]}}}
        for kind in ("flow_runs", "task_runs", "artifacts"):
            api.post(f"/{kind}/filter", ours, WARM_SECONDS)
        api.delete(f"/flows/{flow}", WARM_SECONDS)
