"""Judge whether a run's engine lives, from the pulse that it leaves and from its process.

Invariant: an engine is called gone only when its process or its boot is, and hung only by the
monotonic clock of the boot that both pulse and judge belong to, which stands still while the
machine sleeps.
"""

from __future__ import annotations

from drtool.model.event import Instant
from drtool.model.pulse import Life, Living, Process, Pulse

HUNG_SECONDS = 10.0  # five pulses
STOPPED_SECONDS = 3.0  # more than one pulse, so that a stop of a moment is no news


def lives(
    engine: Process, last: Pulse | None, now: Instant, *, there: bool, stopped: bool = False
) -> Life:
    """How the engine is that took a run up last.

    ``there`` says whether its process runs, ``stopped`` whether that was stopped by a signal. An
    engine of an older drtool leaves no pulse: only its process is judged.
    """
    own = last if last is not None and last.engine == engine else None
    since = own.at.wall if own else None
    if engine.boot != now.boot or not there:
        return Life(word=Living.GONE, since=since, pid=engine.pid)
    limit = STOPPED_SECONDS if stopped else HUNG_SECONDS
    if own is not None and now.monotonic - own.at.monotonic > limit:
        return Life(word=Living.HUNG, since=since, pid=engine.pid, stopped=stopped)
    return Life(word=Living.LIVES, pid=engine.pid)


def life_title(life: Life) -> str:
    """An engine that is not well, in a few words; "" when it is."""
    return {Living.GONE: "engine gone", Living.HUNG: "engine does not move"}.get(life.word, "")


def life_sentence(life: Life, run: str) -> str:
    """What is wrong with a run's engine, since when, and what to type; "" when nothing is."""
    if life.well:
        return ""
    if life.word is Living.GONE:
        return f"its engine is gone{_since(life)}; the run is resumable: drtool resume {run}"
    return f"its engine does not move{_since(life)}: {what_to_do(life, run)}"


def what_to_do(life: Life, run: str) -> str:
    """What a person can type about an engine that does not move."""
    end = f"kill -9 {life.pid}, then drtool resume {run}"
    if life.stopped:
        return (
            f"process {life.pid} was stopped; let it go on with kill -CONT {life.pid}, or end it: "
            f"{end}"
        )
    return f"process {life.pid} is there all the same; if it stays so, end it: {end}"


def _since(life: Life) -> str:
    return f" since {life.since:%Y-%m-%d %H:%M:%S}Z" if life.since else ""
