"""The time between two boots, which only the wall clock knows, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from drtool.model.event import Event, Instant

_STEADY_SECONDS = 1.0


def gap_text(events: Sequence[Event], now: Instant, *, in_time: bool | None) -> str:
    """How much time passed since the last event of another boot, and by which clock; or "".

    ``in_time`` says whether a time service keeps the machine's clock, None where nobody knows.
    """
    if not events or events[-1].at.boot == now.boot:
        return ""
    last = events[-1].at
    seconds = (now.wall - last.wall).total_seconds()
    passed = (
        f"{seconds:.0f} s passed by the wall clock since its last entry"
        if seconds >= 0
        else f"the wall clock stands {-seconds:.0f} s before its last entry"
    )
    service = {
        True: "a time service keeps this clock",
        False: "no time service keeps this clock",
        None: "whether a time service keeps this clock is not known",
    }[in_time]
    return (
        f"the machine was started anew in mid-run: {passed}; {_steadiness(events)}, and {service}"
    )


def _steadiness(events: Sequence[Event]) -> str:
    """How far the wall clock went from the monotonic one while the last boot's events came."""
    last = events[-1].at
    first = next(event.at for event in events if event.at.boot == last.boot)
    apart = (last.wall - first.wall).total_seconds() - (last.monotonic - first.monotonic)
    if abs(apart) < _STEADY_SECONDS:
        return f"before it, the clock was steady within {_STEADY_SECONDS:g} s"
    return f"before it, the clock was moved by {apart:+.0f} s"
