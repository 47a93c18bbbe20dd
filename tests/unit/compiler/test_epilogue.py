"""At a run's end: asked until whole, given up when nothing answers, lost steps sent again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from drtool.compiler.api import Api
from drtool.compiler.claim import Drawn, Job, Pulse
from drtool.compiler.epilogue import Epilogue
from drtool.errors import Unreachable
from drtool.model.event import Via
from drtool.model.plan import PlanStep
from drtool.model.purpose import Outcome, Purpose, StepKind
from drtool.units import Duration


@dataclass(frozen=True)
class Server(Api):
    """A server with one flow run, that keeps the task runs it is sent."""

    url: str = "http://prefect.test/api"
    state: str = "COMPLETED"
    reports: int = 1
    tasks: list[dict[str, Any]] = field(default_factory=list)

    def post(self, path: str, body: Any, seconds: float) -> Any:
        del seconds
        if path == "/task_runs/":
            self.tasks.append(task(body["name"], body["state"]["type"], body["state"]["message"]))
            return {}
        if path == "/flow_runs/filter":
            return [{"id": "f", "state_type": self.state}]
        if path == "/artifacts/filter":
            return [{"type": "markdown"}] * self.reports
        return list(self.tasks)


@dataclass(frozen=True)
class Gone(Api):
    url: str = "http://prefect.test/api"

    def post(self, path: str, body: Any, seconds: float) -> Any:
        del path, body, seconds
        raise Unreachable("Prefect API", "Connection refused")


def task(name: str, kind: str, text: str = "") -> dict[str, Any]:
    return {"name": name, "state_type": kind, "state": {"message": text}, "expected_start_time": ""}


def job(name: str) -> Job:
    step = PlanStep(
        name=name,
        kind=StepKind.CHECK,
        action="tcp.answers",
        purpose=Purpose.ASSESS,
        deadline=Duration(5),
    )
    made = Job(step, lambda _via, _reason: Outcome.SUCCEEDED, Drawn(f"t-{name}", ()))
    made.claim(Via.PREFECT)
    made.run()
    return made


def epilogue(api: Api, *jobs: Job, up: bool = True) -> Epilogue:
    pulse = Pulse()
    if up:
        pulse.take("f")
    else:
        pulse.end("gone")
    return Epilogue(api, "r", jobs, pulse)


def test_a_whole_record_needs_no_sentence() -> None:
    ending = epilogue(Server(tasks=[task("a", "COMPLETED")]), job("a"))
    ending.run(4)
    assert ending.sentence("", with_report=True) == ""


def test_a_lost_step_is_sent_again_under_its_own_name() -> None:
    server = Server(tasks=[task("a", "COMPLETED")])
    ending = epilogue(server, job("a"), job("b"))
    ending.run(4)
    assert ending.sentence("", with_report=True) == ""
    assert [(each["name"], each["state"]["message"]) for each in server.tasks[1:]] == [
        ("b", "succeeded; sent again by drtool")
    ]


def test_what_is_missing_is_named() -> None:
    jobs = [job(f"s{i}") for i in range(7)]
    ending = epilogue(Server(state="RUNNING", reports=0), *jobs)
    ending.run(0.2)
    assert ending.sentence("timed out", with_report=True) == (
        "Prefect has not recorded steps s0, s1, s2, s3, s4 and 2 more, the run's end, the report"
        " (timed out)"
    )


def test_a_server_that_is_gone_is_not_asked_for_long() -> None:
    ending = epilogue(Gone(), job("a"))
    ending.run(10)
    assert ending.sentence("", with_report=True) == (
        "Prefect does not say what it has recorded of the run (Prefect API: Connection refused)"
    )


def test_a_flow_that_ended_without_coming_up_is_not_asked_for() -> None:
    ending = epilogue(Gone(), job("a"), up=False)
    ending.run(10)
    assert ending.sentence("Connection refused", with_report=True).startswith(
        "Prefect never took the run"
    )
