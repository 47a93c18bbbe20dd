"""A run as a Prefect flow: each step becomes a task of its name. Only the vehicle imports this."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import prefect.main
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import RunInput, State, StateType, TaskRunResult
from prefect.context import TagsContext
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.task_engine import run_task_sync

from drtool.compiler.lanes import Feed, Lanes
from drtool.compiler.message import Begin, Close, Done, Ready

SETTLE_SECONDS = 1.0


def carry(
    begin: Begin, feed: Feed, on_up: Callable[[str], None], serve: Callable[[str], Done]
) -> None:
    """Run the flow until the feed brings its end; raises whatever Prefect raises.

    ``serve`` tells the engine that a task has started and gives how its step ended. Tags stay
    off the tasks, since Prefect asks its API for a concurrency slot for each tagged task.
    """

    @prefect.main.flow(name=begin.flow, flow_run_name="{run}", persist_result=False)
    def procedure(
        *,
        service: str,
        procedure: str,
        mode: str,
        run: str,
        from_site: str | None,
        to_site: str | None,
    ) -> Any:
        del service, procedure, mode, run, from_site, to_site
        with TagsContext(current_tags=set()):
            on_up(str(flow_run.get_id()))
            # the connection for events is opened now, and not beside the first step
            emit_event("drtool.run.taken", {"prefect.resource.id": f"drtool.run.{begin.run}"})
            return _close(_relay(feed, serve), begin.artifact)

    # Prefect's heartbeat thread would hold the end of the flow back for up to a second.
    quiet = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with quiet, prefect.main.tags(*begin.tags):
        procedure(**begin.parameters, return_state=True)


def _relay(feed: Feed, serve: Callable[[str], Done]) -> Close:
    """Run each step of the feed as a task of the flow, until the feed brings the end."""

    @prefect.main.task(
        name="step", task_run_name="{step}", cache_policy=NO_CACHE, persist_result=False
    )
    def step(step: str, task_run: str, after: None) -> Any:
        del step, after
        done = serve(task_run)
        return _state(done.kind, done.text)

    def run(ready: Ready) -> None:
        # what wait_for is for, without its waiting: the engine alone decides what may start
        before: set[RunInput] = {TaskRunResult(id=UUID(each)) for each in ready.upstream}
        run_task_sync(
            task=step,
            task_run_id=UUID(ready.task_run),
            parameters={"step": ready.step, "task_run": ready.task_run, "after": None},
            return_type="state",
            dependencies={"after": before},
        )

    return Lanes(feed, run).run(SETTLE_SECONDS)


def _state(kind: str, text: str) -> Any:
    """A state of that type; a completed one wants data, or Prefect calls it unfinished."""
    return State(type=StateType(kind), message=text, data=True if kind == "COMPLETED" else None)


def _close(close: Close, artifact: str) -> Any:
    """Leave the report as an artifact and give the state in which the flow ends."""
    if close.report:
        with suppress(Exception):  # that the report is missing is found out by asking
            create_markdown_artifact(key=artifact, markdown=close.report)
    return _state(close.kind, close.text)
