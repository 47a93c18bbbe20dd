"""How the engines of this journal's runs are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from drtool.bootstrap import App
from drtool.errors import DrtoolError
from drtool.journal.home import journal_path
from drtool.journal.pulse import pulses
from drtool.journal.summary import RunSummary
from drtool.model.event import Instant
from drtool.model.pulse import Life, Living, Process, Pulse
from drtool.process import runs, stopped
from drtool.progress.life import lives


def with_lives(summaries: Iterable[RunSummary], app: App) -> tuple[RunSummary, ...]:
    """The summaries; those of runs that have not ended say how their engine is."""
    left = pulses(journal_path(app.home))
    return tuple(
        one
        if one.ended is not None
        else one.model_copy(update={"life": _life(one, left.get(one.run), app)})
        for one in summaries
    )


def _life(summary: RunSummary, last: Pulse | None, app: App) -> Life:
    clock = app.clock
    # without the time asleep, in which no pulse can be left
    now = Instant(wall=clock.wall(), monotonic=clock.monotonic(), boot=clock.boot_id())
    engine = Process(pid=summary.pid, started=summary.process, boot=summary.boot)
    found = lives(
        engine,
        last,
        now,
        there=runs(summary.pid, summary.process),
        stopped=stopped(summary.pid),
    )
    if found.word is Living.GONE and found.since is None:
        return to_the_last_word(found, summary.run, app)
    return found


def to_the_last_word(life: Life, run: str, app: App) -> Life:
    """An engine that is gone, since its last pulse or what it wrote after that."""
    signs = [sign for sign in (life.since, _last_word(run, app)) if sign is not None]
    return life.model_copy(update={"since": max(signs, default=None)})


def _last_word(run: str, app: App) -> datetime | None:
    """When the engine wrote its last event; None where the journal cannot be read."""
    try:
        journal = app.records()
        try:
            return journal.events(run)[-1].at.wall
        finally:
            journal.close()
    except (DrtoolError, IndexError):
        return None
