"""Ask Prefect what it recorded of a run, rather than believe what was sent."""

from __future__ import annotations

from typing import Any

from drtool.compiler.api import Api
from drtool.compiler.itinerary import run_tag
from drtool.compiler.showing import RAN_DIRECTLY
from drtool.errors import DrtoolError
from drtool.model.value import Value

_PAGE = 200
_NEWEST_FIRST = "EXPECTED_START_TIME_DESC"
_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
_CANCELLING = {"CANCELLING", "CANCELLED"}


class Recorded(Value):
    """What Prefect shows of a run: its state, and its steps by how they stand there.

    ``direct`` are the ended steps of which Prefect says that they did not run through it.
    """

    state: str = ""
    completed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    direct: tuple[str, ...] = ()
    reports: int = 0

    def missing(self, steps: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the steps Prefect does not show as ended."""
        ended = {*self.completed, *self.failed}
        return tuple(step for step in steps if step not in ended)

    @property
    def ended(self) -> bool:
        """Whether Prefect shows the run as ended."""
        return self.state in _ENDED


def recorded(api: Api, run: str, seconds: float = 5.0) -> Recorded:
    """What Prefect has recorded by now; ``seconds`` bound each request.

    Raises Unreachable, AccessDenied or DrtoolError when the API does not say.
    """
    flows = _all(api, "/flow_runs/filter", {**_of(run), "sort": _NEWEST_FIRST}, seconds)
    tasks = _all(api, "/task_runs/filter", _of(run), seconds)
    reports = _all(api, "/artifacts/filter", _of(run), seconds)
    tasks.sort(key=lambda task: task["expected_start_time"] or "")
    names: dict[str, list[str]] = {"completed": [], "failed": [], "unfinished": [], "direct": []}
    for task in tasks:
        names[_standing(task["state_type"])].append(task["name"])
        if RAN_DIRECTLY in ((task.get("state") or {}).get("message") or ""):
            names["direct"].append(task["name"])
    return Recorded(
        state=flows[0]["state_type"] or "" if flows else "",
        reports=sum(report["type"] == "markdown" for report in reports),
        **{standing: tuple(found) for standing, found in names.items()},
    )


def asks_to_cancel(api: Api, flow_run: str, seconds: float) -> bool:
    """Whether somebody cancels the flow run in Prefect; raises as ``recorded`` does."""
    return _state(api.get(f"/flow_runs/{flow_run}", seconds)) in _CANCELLING


def leave_behind(api: Api, run: str, flow_run: str, seconds: float) -> None:
    """Mark the run's earlier flow runs as crashed: an engine that was killed left them running.

    Raises as ``recorded`` does.
    """
    state = {"type": "CRASHED", "message": f"the engine left; the run goes on as {flow_run}"}
    for each in _all(api, "/flow_runs/filter", _of(run), seconds):
        if each["id"] != flow_run and _state(each) not in _ENDED:
            api.post(f"/flow_runs/{each['id']}/set_state", {"state": state, "force": True}, seconds)


def _of(run: str) -> dict[str, Any]:
    """The filter that finds what Prefect has of a run."""
    return {"flow_runs": {"tags": {"all_": [run_tag(run)]}}}


def _standing(state_type: str) -> str:
    """Which of ``Recorded``'s lists a task belongs to."""
    if state_type not in _ENDED:
        return "unfinished"
    return "completed" if state_type == "COMPLETED" else "failed"


def _state(flow_run: Any) -> str:
    if not isinstance(flow_run, dict):
        raise DrtoolError("Prefect API", "answers something that is no flow run")
    return str(flow_run.get("state_type") or "")


def _all(api: Api, path: str, wanted: dict[str, Any], seconds: float) -> list[Any]:
    found: list[Any] = []
    while True:
        page = api.post(path, {**wanted, "limit": _PAGE, "offset": len(found)}, seconds)
        if not isinstance(page, list):
            raise DrtoolError(f"Prefect API {path}", "answers something that is no list")
        found.extend(page)
        if len(page) < _PAGE:
            return found
