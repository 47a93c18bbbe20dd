"""Fill a step's templates with what the run has seen so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from drtool.model.plan import Plan, PlanStep
from drtool.model.value import Fields
from drtool.progress.run_state import StepState
from drtool.runbook.rendering import RenderContext, holds, render
from drtool.runbook.templates import is_template


class RunTemplates:
    """The templates of a plan's steps, filled when they run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def fields(self, step: PlanStep, steps: Mapping[str, StepState]) -> Fields:
        """The step's fields; raises BadInput when a value is not known."""
        if not _has_template(step.fields):
            return step.fields
        return render(step.fields, RenderContext.at_run(self._plan, step, _Seen(steps)))

    def holds(self, step: PlanStep, steps: Mapping[str, StepState]) -> bool:
        """Whether the step's ``when`` is true; raises BadInput when a value is not known."""
        if step.when is None:
            return True
        return holds(step.when, RenderContext.at_run(self._plan, step, _Seen(steps)))

    def refuses(self, step: PlanStep, steps: Mapping[str, StepState]) -> bool:
        """Whether what must never hold for the step does; raises BadInput as ``holds`` does."""
        if step.never is None:
            return False
        return holds(step.never, RenderContext.at_run(self._plan, step, _Seen(steps)))


class _Seen(Mapping[str, Fields]):
    """What the steps have seen, looked up only when a template speaks of it."""

    def __init__(self, steps: Mapping[str, StepState]) -> None:
        self._steps = steps

    def __getitem__(self, name: str) -> Fields:
        """What one step has seen; KeyError when it has not."""
        seen = self._steps[name].seen
        if seen is None:
            raise KeyError(name)
        return seen

    def __iter__(self) -> Iterator[str]:
        return (name for name, step in self._steps.items() if step.seen is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _has_template(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(map(_has_template, value.values()))
    if isinstance(value, list):
        return any(map(_has_template, value))
    return is_template(value)
