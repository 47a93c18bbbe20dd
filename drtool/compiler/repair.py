"""Send a step to Prefect once more, when what its own client sent was lost on the way."""

from __future__ import annotations

from drtool.compiler.api import Api
from drtool.compiler.claim import Job
from drtool.compiler.showing import shown_as


def record_again(api: Api, flow_run: str, job: Job, seconds: float) -> None:
    """Create the task run under the id that it had, so that a late event finds it there.

    Raises as ``Api.post`` does.
    """
    kind, text = shown_as(job)
    wanted = {
        "id": job.drawn.task_run,
        "flow_run_id": flow_run,
        "name": job.step.name,
        "task_key": "step",
        "dynamic_key": job.drawn.task_run,
        "task_inputs": {
            "after": [{"input_type": "task_run", "id": each} for each in job.drawn.upstream]
        },
        "state": {"type": kind, "message": f"{text}; sent again by drtool"},
    }
    api.post("/task_runs/", wanted, seconds)
