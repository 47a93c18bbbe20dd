"""Take back a run's steps, newest first; never across a promotion."""

from __future__ import annotations

import threading
from typing import Any

from drtool.action import StateAction, seen_type
from drtool.crashpoint import crashpoint
from drtool.engine.context import RunContext
from drtool.errors import DrtoolError
from drtool.model.change import Change
from drtool.model.event import StepEnded, StepIntent, StepStarted, Via, Warned
from drtool.model.purpose import Outcome, StepKind
from drtool.progress.run_state import StepState

UNWINDING = "unwinding"


def reason_not_to_unwind(context: RunContext) -> str | None:
    """A sentence when the run may not be taken back."""
    if context.recorder.state().past_no_return:
        return "a promotion was begun; from there it goes only forward"
    return None


def unwind(context: RunContext) -> bool:
    """Take back every step that can be, newest first; False when one could not be taken back.

    Steps that are one-way stay as they are. A step that cannot be taken back ends the unwinding,
    because what stands before it may rest on it.
    """
    reason = reason_not_to_unwind(context)
    if reason is not None:
        context.recorder.write(Warned(about="not_unwound", text=reason))
        return False
    context.recorder.write(Warned(about=UNWINDING, text="taking back what was done, newest first"))
    done = [state for state in context.recorder.steps.values() if _can_be_undone(state)]
    done.sort(key=lambda state: state.ended.monotonic if state.ended else 0.0, reverse=True)
    return all(_undo_within_deadline(context, state) for state in done)


def _can_be_undone(state: StepState) -> bool:
    return (
        state.plan.kind is StepKind.ACTION
        and not state.plan.one_way
        and state.intent_at is not None
        and state.outcome in {Outcome.SUCCEEDED, Outcome.FAILED, Outcome.RUNNING}
    )


def _undo_within_deadline(context: RunContext, state: StepState) -> bool:
    """Undo on a thread of its own, which is left behind when it hangs."""
    came_out: list[str | None] = []
    thread = threading.Thread(
        target=lambda: came_out.append(_undo(context, state)), name="unwind", daemon=True
    )
    thread.start()
    thread.join(state.plan.deadline.seconds)
    reason = came_out[0] if came_out else f"undo did not end within {state.plan.deadline}"
    if reason is None:
        return True
    context.recorder.write(
        Warned(about="not_unwound", text=f"step {state.name} could not be undone: {reason}")
    )
    return False


def _undo(context: RunContext, state: StepState) -> str | None:
    """Undo one step; a sentence when that failed."""
    attempt = state.attempts + 1
    try:
        context.check_lease()
        fields = context.templates.fields(state.plan, context.recorder.steps)
        action = context.ports.entries.get(state.plan.action)(**fields)
        kind = seen_type(type(action))
        if not isinstance(action, StateAction) or kind is None:
            return "its action is not a state action any more"
        before: Any = kind.model_validate(state.seen_before or {})
        back = tuple(
            Change(subject=change.subject, before=change.after, after=change.before)
            for change in reversed(state.changes)
        )
        context.recorder.write(
            StepStarted(step=state.name, attempt=attempt, via=Via.DIRECT, via_reason="unwinding"),
            StepIntent(
                step=state.name, attempt=attempt, seen=state.seen or {}, changes=back, one_way=False
            ),
        )
        crashpoint("unwind.intent-written")
        context.check_lease()
        action.undo(context.hands(context.facts(state.plan, attempt)), before)
        crashpoint("unwind.effect-applied")
        context.recorder.write(
            StepEnded(
                step=state.name,
                attempt=attempt,
                outcome=Outcome.UNWOUND,
                via=Via.DIRECT,
                changes=back,
            )
        )
        crashpoint("unwind.outcome-written")
    except DrtoolError as error:
        return error.line()
    except Exception as error:  # noqa: BLE001 - an action may raise anything
        return f"{type(error).__name__}: {error}"
    return None
