"""A run as a Prefect flow: its steps come through a queue and become tasks of their names."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drtool.compiler.claim import Job, Pulse
from drtool.compiler.settings import applied
from drtool.model.event import Via
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode, Outcome

LEAVE_SECONDS = 0.5
_WENT_WELL = {Outcome.SUCCEEDED, Outcome.SKIPPED}


@dataclass(frozen=True, slots=True)
class Closing:
    """What the flow ends with: the run's outcome, a sentence, the report in Markdown."""

    outcome: Outcome
    text: str
    report: str


Feed = queue.SimpleQueue[Job | Closing]


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


def carry(
    itinerary: Itinerary,
    settings: dict[str, str],
    feed: Feed,
    pulse: Pulse,
    on_up: Callable[[str], None],
) -> None:
    """Run the flow until the feed brings its ``Closing``; raises whatever Prefect raises.

    Must be called on a thread of its own: Prefect's import alone takes a second. Tags stay off
    the tasks, since Prefect asks its API for a concurrency slot for each tagged task.
    """
    with applied(settings):
        import prefect  # noqa: PLC0415 - a second of import, paid beside the engine
    from prefect.context import TagsContext  # noqa: PLC0415 - as above
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
            on_up(str(flow_run.get_id()))
            return _relay(plan, itinerary.artifact_key, feed, pulse)

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


def _relay(plan: Plan, artifact_key: str, feed: Feed, pulse: Pulse) -> Any:
    """Hand each job of the feed to Prefect as a task; give the flow's last state."""
    import prefect  # noqa: PLC0415 - imported by the caller
    from prefect.cache_policies import NO_CACHE  # noqa: PLC0415 - as above

    jobs: list[Job] = []

    @prefect.task(task_run_name="{step}", cache_policy=NO_CACHE, persist_result=False)
    def step(step: str, entry: int) -> Any:
        del step
        pulse.beat()
        return _serve(jobs[entry])

    drawn: dict[str, Any] = {}
    while isinstance(item := feed.get(), Job):
        jobs.append(item)
        future = step.submit(
            item.step.name,
            len(jobs) - 1,
            return_state=False,
            wait_for=_upstream(plan, item.step, drawn),
        )
        drawn[item.step.name] = future.task_run_id
    for job in jobs:
        job.leave(LEAVE_SECONDS)
    return _close(item, artifact_key)


def _serve(job: Job) -> Any:
    """Run the step, or wait for the engine that has claimed it, and show how it ended."""
    from prefect.states import Cancelled, Completed, Failed  # noqa: PLC0415 - imported by now

    if job.claim(Via.PREFECT):
        job.run()
    else:
        job.done.wait()
    text = job.outcome.value
    if job.via is Via.DIRECT:
        text = f"{text}; ran directly: {job.reason}"
    if job.outcome in _WENT_WELL:
        return Completed(message=text, data=True)
    if job.outcome is Outcome.ABORTED:
        return Cancelled(message=text)
    return Failed(message=text)


def _upstream(plan: Plan, step: PlanStep, drawn: dict[str, Any]) -> list[Any]:
    """States that stand for the steps before this one, so that Prefect draws the lines.

    Futures would make the task wait, and fail when a step before it failed; the engine alone
    decides that. A step that Prefect never saw is replaced by those before it.
    """
    from prefect.client.schemas.objects import StateDetails  # noqa: PLC0415 - imported by now
    from prefect.states import Completed  # noqa: PLC0415 - imported by now

    by_name = {each.name: each for each in plan.steps}
    found: dict[Any, None] = {}
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
    return [Completed(data=True, state_details=StateDetails(task_run_id=run)) for run in found]


def _close(closing: Closing, artifact_key: str) -> Any:
    """Leave the report as an artifact and give the state in which the flow ends."""
    from prefect.artifacts import create_markdown_artifact  # noqa: PLC0415 - imported by now
    from prefect.states import Cancelled, Completed, Failed  # noqa: PLC0415 - imported by now

    if closing.report:
        create_markdown_artifact(key=artifact_key, markdown=closing.report)
    if closing.outcome in _WENT_WELL:
        return Completed(message=closing.text, data=True)
    if closing.outcome is Outcome.ABORTED:
        return Cancelled(message=closing.text)
    return Failed(message=closing.text)
