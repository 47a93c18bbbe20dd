"""What Prefect's answers mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from drtool.compiler.api import Api
from drtool.compiler.ask import Recorded, leave_behind, recorded
from drtool.errors import DrtoolError


@dataclass(frozen=True)
class Answers(Api):
    """An API that answers from lists, page by page, and keeps what it was sent."""

    url: str = "http://prefect.test/api"
    flow_runs: tuple[dict[str, Any], ...] = ()
    task_runs: tuple[dict[str, Any], ...] = ()
    artifacts: tuple[dict[str, Any], ...] = ()
    sent: list[tuple[str, Any]] = field(default_factory=list)

    def post(self, path: str, body: Any, seconds: float) -> Any:
        del seconds
        kind = path.split("/")[1]
        if path.endswith("/filter"):
            return list(getattr(self, kind)[body["offset"] : body["offset"] + body["limit"]])
        self.sent.append((path, body))
        return {}


def task(name: str, kind: str, text: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "state_type": kind,
        "state": {"message": text},
        "expected_start_time": name,
    }


def test_steps_are_sorted_by_how_they_stand() -> None:
    api = Answers(
        flow_runs=({"id": "1", "state_type": "COMPLETED"},),
        artifacts=({"type": "markdown"},),
        task_runs=(
            task("c", "RUNNING"),
            task("a", "COMPLETED", "succeeded; ran directly: late"),
            task("b", "FAILED"),
        ),
    )
    assert recorded(api, "r") == Recorded(
        state="COMPLETED",
        completed=("a",),
        failed=("b",),
        unfinished=("c",),
        direct=("a",),
        reports=1,
    )
    assert recorded(api, "r").missing(("a", "b", "c", "d")) == ("c", "d")


def test_a_long_run_is_read_page_by_page() -> None:
    api = Answers(task_runs=tuple(task(f"s{i:04d}", "COMPLETED") for i in range(401)))
    assert len(recorded(api, "r").completed) == 401


def test_an_answer_that_is_no_list_is_said_to_be_none() -> None:
    class Odd(Answers):
        def post(self, path: str, body: Any, seconds: float) -> Any:
            del path, body, seconds
            return {"detail": "no"}

    with pytest.raises(DrtoolError, match="no list"):
        recorded(Odd(), "r")


def test_only_flows_that_were_left_running_are_marked_as_crashed() -> None:
    api = Answers(
        flow_runs=(
            {"id": "ours", "state_type": "RUNNING"},
            {"id": "left", "state_type": "RUNNING"},
            {"id": "done", "state_type": "FAILED"},
        )
    )
    leave_behind(api, "r", "ours", 1)
    ((path, body),) = api.sent
    assert path == "/flow_runs/left/set_state"
    assert body["state"]["type"] == "CRASHED"
