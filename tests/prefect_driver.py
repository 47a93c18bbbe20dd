"""A tiny engine in a process of its own: feeds steps to the executor and tells what happened.

Reads what to do as JSON from its first argument, prints a line of JSON for each thing that
happened, and leaves as a run does.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from drtool.compiler.api import Api
from drtool.compiler.executor import PrefectExecutor
from drtool.model.event import RunEnded, Via, World
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.plan import Objectives, Plan, PlanStep
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind, Strategy
from drtool.redact import Redactor
from drtool.units import Duration

STARTED = time.monotonic()


def tell(what: str, **more: Any) -> None:
    print(json.dumps({"what": what, "at": time.monotonic() - STARTED, **more}), flush=True)


def plan_of(steps: list[dict[str, Any]]) -> Plan:
    return Plan(
        runbook="orders",
        strategy=Strategy.HOT_STANDBY,
        service="orders",
        procedure=Procedure.FAILOVER,
        direction=Direction(from_site="east", to_site="west"),
        objectives=Objectives(),
        inventory=Inventory(version=1, services={}, sites={}),
        steps=tuple(
            PlanStep(
                name=each["name"],
                kind=StepKind.ACTION,
                action="wait.until",
                purpose=Purpose.ASSESS,
                needs=tuple(each.get("needs", ())),
                deadline=Duration(60),
            )
            for each in steps
        ),
    )


def drive(
    executor: PrefectExecutor,
    step: PlanStep,
    each: dict[str, Any],
    calls: list[str],
    cancelled: threading.Event,
) -> threading.Event:
    """Submit one step; the event is set when its work is done."""
    ended = threading.Event()
    asked = time.monotonic()

    def work(via: Via, reason: str) -> Outcome:
        waited = time.monotonic() - asked
        calls.append(step.name)
        tell("step", name=step.name, via=via.value, reason=reason, waited=waited)
        if each.get("until_cancelled"):
            cancelled.wait(20)
        time.sleep(each.get("seconds", 0))
        ended.set()
        return Outcome(each.get("outcome", "succeeded"))

    executor.submit(step, work)
    return ended


def main() -> None:
    told = json.loads(sys.argv[1])
    redactor = Redactor()
    redactor.learn(told.get("secret", "not-set-anywhere"))
    plan = plan_of(told["steps"])
    executor = PrefectExecutor(
        Api(told["url"], told["auth"]),
        Mode.DRILL,
        redactor,
        Path(told["log"]),
        Path(told["prefect_home"]),
    )
    cancelled = threading.Event()

    def cancel() -> None:
        tell("cancel")
        cancelled.set()

    executor.start(plan, told["run"], cancel)
    assert executor._courier is not None
    tell("vehicle", pid=executor._courier.vehicle.pid)
    if told.get("wait_until_up", 20):
        tell("up", up=executor.wait_until_up(told.get("wait_until_up", 20)))
    calls: list[str] = []
    for step, each in zip(plan.steps, told["steps"], strict=True):
        if each.get("pause_before"):
            tell("pause", before=step.name)
            sys.stdin.readline()
        if not drive(executor, step, each, calls, cancelled).wait(20):
            tell("hang", step=step.name)
    asked = time.monotonic()
    ended_as = RunEnded(
        outcome=Outcome(told.get("outcome", "succeeded")),
        exit_code=0,
        world=World.RECOVERED,
        reason=told.get("reason", ""),
    )
    sentence = executor.finish(ended_as, told.get("report", "# Report"))
    tell("finished", sentence=sentence, seconds=time.monotonic() - asked, calls=calls)


if __name__ == "__main__":
    main()
