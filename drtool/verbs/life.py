"""How the engines of this journal's runs are."""

from __future__ import annotations

from collections.abc import Iterable

from drtool.bootstrap import App
from drtool.journal.home import journal_path
from drtool.journal.pulse import pulses
from drtool.journal.summary import RunSummary
from drtool.model.event import Instant
from drtool.model.pulse import Life, Process, Pulse
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
    now = Instant(wall=clock.wall(), monotonic=clock.monotonic(), boot=clock.boot_id())
    engine = Process(pid=summary.pid, started=summary.process, boot=summary.boot)
    return lives(
        engine,
        last,
        now,
        there=runs(summary.pid, summary.process),
        stopped=stopped(summary.pid),
    )
