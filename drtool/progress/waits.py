"""How long a run waited: for people's answers, while it was paused, and for a new engine."""

from __future__ import annotations

from drtool.model.event import Instant
from drtool.progress.moments import seconds_between
from drtool.progress.run_state import Pause, RunState

_Span = tuple[Instant, Instant]


def waited_seconds(state: RunState, until: Instant) -> float:
    """How long the run waited for people up to a moment; waits side by side count once.

    A pause is such a wait from when the last step that was under way had ended.
    """
    return _covered(state, _waits(state, until), until)


def interrupted_seconds(state: RunState, until: Instant) -> float:
    """How long no engine carried the run on, but for what it waited for people meanwhile."""
    waits = _waits(state, until)
    gaps = [(gap.began, gap.over) for gap in state.gaps]
    return _covered(state, waits + gaps, until) - _covered(state, waits, until)


def _waits(state: RunState, until: Instant) -> list[_Span]:
    waits = [(consent.asked_at, consent.given_at or until) for consent in state.consents]
    return waits + [
        (_idle_from(state, pause, until), pause.over_at or until) for pause in state.pauses
    ]


def _covered(state: RunState, of: list[_Span], until: Instant) -> float:
    """How long one of the spans lasted at least, up to a moment."""
    limit = seconds_between(state.started, until)
    spans = sorted(
        (seconds_between(state.started, begin), seconds_between(state.started, finish))
        for begin, finish in of
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
