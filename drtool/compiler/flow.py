"""A run as a Prefect flow: its steps come through a queue and become tasks of their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from drtool.compiler.claim import Drawn, Job, Pulse
from drtool.compiler.lanes import Closing, Feed, Lanes
from drtool.compiler.settings import applied
from drtool.compiler.showing import kind_of, shown_as
from drtool.model.event import Via
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode

LEAVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Itinerary:
    """What Prefect shows of a run besides its steps; nothing in it is secret."""

    plan: Plan
    run: str
    mode: Mode

    @property
    def flow_name(self) -> str:
        """Runbook and procedure; Prefect takes no slash in a name."""
        return f"{self.plan.runbook}.{self.plan.procedure.value}"

    @property
    def artifact_key(self) -> str:
        """The report's key: small letters and dashes only."""
        return f"{self.plan.runbook}-{self.plan.procedure.value}".replace("_", "-")

    @property
    def tags(self) -> tuple[str, ...]:
        """Service, strategy, mode and run, each with its kind in front."""
        strategy = self.plan.strategy.value if self.plan.strategy else "none"
        return (
            f"service:{self.plan.service}",
            f"strategy:{strategy}",
            f"mode:{self.mode.value}",
            run_tag(self.run),
        )


def run_tag(run: str) -> str:
    """The tag by which a run is found in Prefect."""
    return f"run:{run}"


def load(settings: dict[str, str]) -> None:
    """Import Prefect under these settings, which stay with it for the process's life.

    Takes a second; raises whatever an import raises.
    """
    with applied(settings):
        import prefect.main  # noqa: F401, PLC0415 - a second of import, paid beside the engine


def carry(
    itinerary: Itinerary,
    feed: Feed,
    pulse: Pulse,
    on_up: Callable[[str], None],
) -> None:
    """Run the flow until the feed brings its ``Closing``; raises whatever Prefect raises.

    Must be called on a thread of its own, after ``load``. Tags stay off the tasks, since Prefect
    asks its API for a concurrency slot for each tagged task.
    """
    import prefect  # noqa: PLC0415 - imported by now
    from prefect.context import TagsContext  # noqa: PLC0415 - as above
    from prefect.events import emit_event  # noqa: PLC0415 - as above
    from prefect.runtime import flow_run  # noqa: PLC0415 - as above
    from prefect.settings import (  # noqa: PLC0415 - as above
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    plan = itinerary.plan

    @prefect.flow(name=itinerary.flow_name, flow_run_name="{run}", persist_result=False)
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
            ours = str(flow_run.get_id())
            emit_event("drtool.run.taken", {"prefect.resource.id": f"drtool.run.{itinerary.run}"})
            on_up(ours)
            closing = _relay(plan, ours, feed, pulse)
            return _close(closing, itinerary.artifact_key)

    # Prefect's heartbeat thread would hold the end of the flow back for up to a second.
    quiet = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with quiet, prefect.tags(*itinerary.tags):
        procedure(
            service=plan.service,
            procedure=plan.procedure.value,
            mode=itinerary.mode.value,
            run=itinerary.run,
            from_site=plan.direction.from_site,
            to_site=plan.direction.to_site,
            return_state=True,
        )


def _relay(plan: Plan, flow_run: str, feed: Feed, pulse: Pulse) -> Closing:
    """Run each job of the feed as a task of the flow, until the feed brings the end."""
    import prefect  # noqa: PLC0415 - imported by the caller
    from prefect.cache_policies import NO_CACHE  # noqa: PLC0415 - as above
    from prefect.client.schemas.objects import RunInput, TaskRunResult  # noqa: PLC0415 - as above
    from prefect.task_engine import run_task_sync  # noqa: PLC0415 - as above

    jobs: dict[str, Job] = {}
    drawn: dict[str, str] = {}

    @prefect.task(name="step", task_run_name="{step}", cache_policy=NO_CACHE, persist_result=False)
    def step(step: str, task_run: str, after: None) -> Any:
        del step, after
        pulse.beat()
        return _serve(jobs.pop(task_run))

    def carry(job: Job) -> None:
        before = upstream(plan, job.step, drawn)
        task_run = uuid4()
        jobs[str(task_run)] = job
        drawn[job.step.name] = str(task_run)
        job.drawn = Drawn(flow_run, str(task_run), before)
        # what wait_for is for, without its waiting: the engine alone decides what may start
        upstream_runs: set[RunInput] = {TaskRunResult(id=UUID(each)) for each in before}
        run_task_sync(
            task=step,
            task_run_id=task_run,
            parameters={"step": job.step.name, "task_run": str(task_run), "after": None},
            return_type="state",
            dependencies={"after": upstream_runs},
        )

    return Lanes(feed, carry).run(LEAVE_SECONDS)


def _serve(job: Job) -> Any:
    """Run the step, or wait for the engine that has claimed it, and show how it ended."""
    if job.claim(Via.PREFECT):
        job.run()
    else:
        job.done.wait()
    return _state(*shown_as(job))


def _state(kind: str, text: str) -> Any:
    from prefect.client.schemas.objects import State, StateType  # noqa: PLC0415 - imported by now

    state_type = StateType(kind)
    return State(type=state_type, message=text, data=True if kind == "COMPLETED" else None)


def upstream(plan: Plan, step: PlanStep, drawn: Mapping[str, str]) -> tuple[str, ...]:
    """The task runs of the steps before this one; one that Prefect never saw stands for its own."""
    by_name = {each.name: each for each in plan.steps}
    found: dict[str, None] = {}
    waiting, met = list(step.needs), set()
    while waiting:
        name = waiting.pop()
        if name in met:
            continue
        met.add(name)
        if name in drawn:
            found[drawn[name]] = None
        elif name in by_name:
            waiting.extend(by_name[name].needs)
    return tuple(found)


def _close(closing: Closing, artifact_key: str) -> Any:
    """Leave the report as an artifact and give the state in which the flow ends."""
    from prefect.artifacts import create_markdown_artifact  # noqa: PLC0415 - imported by now

    if closing.report:
        with suppress(Exception):  # that the report is missing is found out by asking
            create_markdown_artifact(key=artifact_key, markdown=closing.report)
    return _state(kind_of(closing.outcome), closing.text)
