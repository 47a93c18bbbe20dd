"""Look at the targets of one-way steps before anybody is asked to consent to them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from drtool.action import Command, StateAction
from drtool.engine.context import RunContext
from drtool.engine.cover import foreseen
from drtool.errors import BadInput
from drtool.model.change import Change
from drtool.model.plan import PlanStep
from drtool.model.value import Fields


def preview(context: RunContext, steps: Sequence[PlanStep]) -> tuple[Change, ...]:
    """The changes that the steps would make now, in the plan's order.

    All targets are looked at side by side, for at most ``limits.preview`` seconds. A step whose
    target does not answer, or which nothing would be left to do for while steps before it will
    change the world, is shown as foreseen: its changes are not seen yet.
    """
    seen: dict[str, tuple[Change, ...]] = {}
    unknown: set[str] = set()
    end = context.clock.monotonic() + context.limits.preview

    def look(step: PlanStep) -> None:
        try:
            fields = context.templates.fields(step, context.recorder.steps)
        except BadInput:
            unknown.add(step.name)
            return
        try:
            seen[step.name] = _changes(context, step, fields)
        except Exception:  # noqa: BLE001 - whatever it is, the change is then only foreseen
            return

    threads = [threading.Thread(target=look, args=(step,), daemon=True) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - context.clock.monotonic()))
    shown: list[Change] = []
    for step in steps:
        changes = seen.get(step.name)
        if changes is None or (not changes and shown):
            changes = (foreseen(step, fields_known=step.name not in unknown),)
        shown += [change for change in changes if change not in shown]
    return tuple(shown)


def _changes(context: RunContext, step: PlanStep, fields: Fields) -> tuple[Change, ...]:
    entry = context.ports.entries.get(step.action)(**fields)
    facts = context.facts(step)
    if isinstance(entry, StateAction):
        return tuple(entry.changes(entry.observe(context.look(facts))))
    if isinstance(entry, Command):
        return tuple(entry.preview(facts))
    return ()
