"""Take back a run's steps, newest first; never across a promotion."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from drtool.action import StateAction, seen_type
from drtool.crashpoint import crashpoint
from drtool.engine.context import Cancelled, HeirReady, Input, Phase, RunContext, Signalled
from drtool.engine.handing import begin_handing
from drtool.engine.kept import kept, stays, weighs
from drtool.engine.permits import gives_back, reason_not_to_unwind
from drtool.engine.requests import take_requests
from drtool.errors import DrtoolError, StepFailed, Unreachable
from drtool.model.change import Change
from drtool.model.event import (
    AbortAsked,
    Body,
    StepEnded,
    StepIntent,
    StepStarted,
    Via,
    Warned,
)
from drtool.model.purpose import Outcome
from drtool.progress.run_state import RunState, StepState

UNWINDING = "unwinding"
_LOOK_AGAIN_SECONDS = 0.1


def began_to_unwind(state: RunState) -> bool:
    """Whether an engine has begun to take the run back; from there it goes only back."""
    return any(warned.about == UNWINDING for warned in state.warnings)


def unwind(context: RunContext) -> bool:
    """Take back every step that can be, newest first; False when not all that weighs is.

    Steps that are one-way stay as they are, but for a fence whose action can give it back. A step
    whose undo fails ends the unwinding, because what stands before it may rest on it; so does an
    abort, and a signal leaves the rest to the engine that takes the run up.
    """
    state = context.recorder.state()
    refusal = reason_not_to_unwind(state, context.ports.entries)
    if refusal is not None and (state.past_no_return or state.unwinding is not None):
        context.recorder.write(Warned(about="not_unwound", text=refusal.found))
        return False
    if not began_to_unwind(state):
        text = "taking back what was done, newest first"
        context.recorder.write(Warned(about=UNWINDING, text=text))
        crashpoint("unwind.began-written")
    done = [one for one in context.recorder.steps.values() if _is_taken_back(context, one)]
    done.sort(key=_when, reverse=True)
    if not all(_may_go_on(context) and _undo_within_deadline(context, one) for one in done):
        return False
    return _is_all_back(context)


def _is_all_back(context: RunContext) -> bool:
    """Whether nothing that weighs stays as it is; what does is named."""
    state = context.recorder.state()
    left = kept(state)
    if not weighs(left):
        return True
    some = any(step.outcome is Outcome.UNWOUND for step in state.steps)
    back = "what could be was taken back, but" if some else "nothing could be taken back:"
    told = Warned(about="not_unwound", text=f"{back} {stays(left)}")
    if told not in state.warnings:
        context.recorder.write(told)
    return False


def _is_taken_back(context: RunContext, state: StepState) -> bool:
    begun = state.intent_at is not None and state.outcome is not Outcome.UNWOUND
    return begun and gives_back(state, context.ports.entries)


def _when(state: StepState) -> tuple[float, float]:
    """When a step began to change something, across boots too."""
    at = state.intent_at
    return (at.wall.timestamp(), at.monotonic) if at else (0.0, 0.0)


def _may_go_on(context: RunContext) -> bool:
    """Whether nobody wants the unwinding stopped: a person by abort, a signal by leaving."""
    while not context.inbox.empty():
        _hear(context, context.inbox.get())
    take_requests(context)
    if context.recorder.state().abort is not None:
        text = "an abort stopped the unwinding; what is left stays as it is"
        context.recorder.write(Warned(about="not_unwound", text=text))
        context.phase = Phase.ABORTING
    return context.phase not in {Phase.LEAVING, Phase.ABORTING}


def _hear(context: RunContext, item: Input) -> None:
    """Take what came in; a failover that was made ready meanwhile is let go, and that is said."""
    match item:
        case Signalled():
            context.phase = Phase.LEAVING
        case Cancelled():
            context.recorder.write(AbortAsked(by=item.by))
        case HeirReady():
            begin_handing(context, item)
        case _:
            pass


def _undo_within_deadline(context: RunContext, state: StepState) -> bool:
    """Undo on a thread of its own, which is left behind when it hangs."""
    came_out: list[str | None] = []
    undoing = _Undoing(context, state)
    thread = threading.Thread(
        target=lambda: came_out.append(undoing.run()), name="unwind", daemon=True
    )
    thread.start()
    thread.join(state.plan.deadline.seconds + context.limits.grace)
    undoing.leave()
    reason = came_out[0] if came_out else f"undo did not end within {state.plan.deadline}"
    if reason is None:
        return True
    context.recorder.write(
        Warned(about="not_unwound", text=f"step {state.name} could not be undone: {reason}")
    )
    return False


class _Undoing:
    """One step on its way back: guard, intent, effect, and a look that it is so.

    Invariant: nothing is taken back without an intent; once it was left, nothing is written and no
    effect is begun.
    """

    def __init__(self, context: RunContext, state: StepState) -> None:
        self._context, self._state = context, state
        self._attempt = state.attempts + 1
        self._over = threading.Event()
        self._turn = threading.Lock()

    def leave(self) -> None:
        """Leave it behind: it hangs in a call."""
        with self._turn:
            self._over.set()

    def run(self) -> str | None:
        """Undo it; a sentence when that failed."""
        try:
            return self._undo()
        except DrtoolError as error:
            return error.line()
        except Exception as error:  # noqa: BLE001 - an action may raise anything
            return f"{type(error).__name__}: {error}"

    def _undo(self) -> str | None:
        context, state = self._context, self._state
        context.check_lease()
        fields = context.templates.fields(state.plan, context.recorder.steps)
        action = context.ports.entries.get(state.plan.action)(**fields)
        kind = seen_type(type(action))
        if not isinstance(action, StateAction) or kind is None:
            return "its action is not a state action any more"
        before: Any = kind.model_validate(state.seen_before or {})
        facts = context.facts(state.plan, self._attempt, state.plan.deadline.seconds)
        reason = action.reason_not_to_undo(context.look(facts), before)
        if reason is not None:
            return reason
        back = self._back()
        if state.via_reason == UNWINDING and self._is_back(action):
            self._write_end(back, adopted=True)
            return None
        self._write(
            StepStarted(
                step=state.name, attempt=self._attempt, via=Via.DIRECT, via_reason=UNWINDING
            ),
            StepIntent(
                step=state.name,
                attempt=self._attempt,
                seen=state.seen or {},
                changes=back,
                one_way=False,
            ),
        )
        crashpoint("unwind.intent-written")
        context.check_lease()
        self._go_on()
        action.undo(context.hands(facts), before)
        crashpoint("unwind.effect-applied")
        self._see_it(action)
        if not self._over.is_set():
            self._write_end(back)
        return None

    def _is_back(self, action: StateAction[Any]) -> bool:
        """Whether an earlier engine's undo took effect: what is in doubt is looked at first."""
        context, state = self._context, self._state
        with suppress(Unreachable, StepFailed):
            return bool(action.changes(action.observe(context.look(context.facts(state.plan)))))
        return False

    def _write_end(self, back: tuple[Change, ...], *, adopted: bool = False) -> None:
        self._context.recorder.write(
            StepEnded(
                step=self._state.name,
                attempt=self._attempt,
                outcome=Outcome.UNWOUND,
                via=Via.DIRECT,
                changes=back,
                reason="found taken back" if adopted else "taken back",
                adopted=adopted,
            )
        )
        crashpoint("unwind.outcome-written")

    def _write(self, *bodies: Body) -> None:
        with self._turn:
            self._go_on()
            self._context.recorder.write(*bodies)

    def _go_on(self) -> None:
        if self._over.is_set():
            raise StepFailed(f"step {self._state.name}", "its undo came too late")

    def _back(self) -> tuple[Change, ...]:
        """The changes the other way round; an earlier engine may have turned them already."""
        changes = self._state.changes
        if self._state.via_reason == UNWINDING:
            return changes
        return tuple(
            Change(subject=change.subject, before=change.after, after=change.before)
            for change in reversed(changes)
        )

    def _see_it(self, action: StateAction[Any]) -> None:
        """Look until the action would have to change it again; raises StepFailed when it never.

        An undo that returned well has changed nothing if the target still shows the effect.
        """
        context, state = self._context, self._state
        end = context.clock.monotonic() + state.plan.deadline.seconds
        problem = "the effect is still seen"
        while context.clock.monotonic() < end and not self._over.is_set():
            try:
                if action.changes(action.observe(context.look(context.facts(state.plan)))):
                    return
            except (Unreachable, StepFailed) as error:
                problem = error.line()
            context.clock.sleep(_LOOK_AGAIN_SECONDS)
        raise StepFailed(f"step {state.name}", f"undo was made, but {problem}")
