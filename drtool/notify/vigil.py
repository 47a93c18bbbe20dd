"""Whether the engine moves whose run is told: seen in the journal, for a pipe stays open then."""

from __future__ import annotations

from pathlib import Path

from drtool.clock import Clock
from drtool.journal.pulse import pulses
from drtool.model.event import Instant
from drtool.model.pulse import Life, Living, Process
from drtool.process import runs, stopped
from drtool.progress.life import lives
from drtool.progress.run_state import RunState

LOOK_SECONDS = 1.0


class Vigil:
    """Looks now and then how an engine is; without a journal it never finds anything wrong."""

    def __init__(self, journal: Path | None, clock: Clock) -> None:
        self._journal, self._clock = journal, clock
        self._looked_at = float("-inf")
        self.life = Life(word=Living.LIVES)

    def look(self, state: RunState) -> bool:
        """Whether the engine is otherwise than at the last look: hung, or well again.

        That it is gone is not for this to tell; its pipe closes at that moment.
        """
        now = self._clock.monotonic()
        if self._journal is None or now - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = now
        before, found = self.life, self._found(state, self._journal)
        if found.word is Living.GONE:
            return False
        self.life = found
        return before.word is not found.word

    def _found(self, state: RunState, journal: Path) -> Life:
        clock = self._clock
        # without the time asleep, in which no pulse can be left
        now = Instant(wall=clock.wall(), monotonic=clock.monotonic(), boot=clock.boot_id())
        engine = Process(pid=state.pid, started=state.process, boot=now.boot)
        return lives(
            engine,
            pulses(journal).get(state.run),
            now,
            there=runs(state.pid, state.process),
            stopped=stopped(state.pid),
        )
