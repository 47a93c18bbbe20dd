"""How long a run waited for people: for their answers, and while somebody had paused it."""

from __future__ import annotations

from drtool.model.event import Instant
from drtool.progress.moments import seconds_between
from drtool.progress.run_state import Pause, RunState


def waited_seconds(state: RunState, until: Instant) -> float:
    """How long the run waited for people up to a moment; waits side by side count once.

    A pause is such a wait from when the last step that was under way had ended.
    """
    limit = seconds_between(state.started, until)
    waits = [(consent.asked_at, consent.given_at or until) for consent in state.consents]
    waits += [(_idle_from(state, pause, until), pause.over_at or until) for pause in state.pauses]
    spans = sorted(
        (seconds_between(state.started, begin), seconds_between(state.started, finish))
        for begin, finish in waits
    )
    total, reached = 0.0, 0.0
    for begin, finish in spans:
        begin, finish = max(begin, reached), min(finish, limit)  # noqa: PLW2901 - clipped
        if finish > begin:
            total, reached = total + finish - begin, finish
    return total


def _idle_from(state: RunState, pause: Pause, until: Instant) -> Instant:
    """When a pause had left nothing under way."""
    ends = [
        step.ended or until
        for step in state.steps
        if step.started is not None and seconds_between(step.started, pause.began) >= 0
    ]
    return max((pause.began, *ends), key=lambda moment: seconds_between(state.started, moment))
