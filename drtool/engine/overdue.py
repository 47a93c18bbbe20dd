"""Look after the steps that are out: what hangs beyond its time, what nothing has begun."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from drtool.engine.context import Phase, RunContext
from drtool.engine.handing import abandoned_to_heir
from drtool.engine.step import StepRun, abandoned_result
from drtool.model.event import Via
from drtool.model.plan import PlanStep
from drtool.model.purpose import Purpose


def overdue(
    context: RunContext, runs: Iterable[StepRun], stopped_at: float, now: float
) -> Iterator[str]:
    """End steps that hang beyond their deadline, and name them; start those that nothing has.

    ``stopped_at`` is when the run began to stop: one that is handed over waits for none of its
    steps but a promotion.
    """
    for run in runs:
        attempt = run.attempt
        if attempt is None:
            _start_unclaimed(context, run, now)
            continue
        late = not attempt.asking and now > attempt.deadline_at + context.limits.grace
        to_heir = _is_left_to_heir(context, run.step, now - stopped_at)
        result = abandoned_to_heir() if to_heir else abandoned_result(attempt)
        if (late or to_heir) and attempt.abandon(result):
            yield run.step.name


def _start_unclaimed(context: RunContext, run: StepRun, now: float) -> None:
    if not run.claimed and now > run.handed_out + context.limits.unclaimed:
        why = f"{context.ports.executor.name} did not start it in time"
        threading.Thread(target=run.work, args=(Via.DIRECT, why), daemon=True).start()


def _is_left_to_heir(context: RunContext, step: PlanStep, seconds: float) -> bool:
    """Whether a step still hangs in a call that another run shall not wait for."""
    handing = context.phase is Phase.HANDING_OVER
    return handing and seconds > context.limits.grace and step.purpose is not Purpose.PROMOTE
