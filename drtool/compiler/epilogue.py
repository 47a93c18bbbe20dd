"""A run's end in Prefect: ask what is recorded, send once more what is not, tell what remains."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from drtool.compiler.api import Api
from drtool.compiler.ask import Recorded, recorded
from drtool.compiler.claim import Job, Pulse
from drtool.compiler.repair import record_again
from drtool.errors import DrtoolError

FLUSH_SECONDS = 4.5
ASK_SECONDS = 2.0
ASK_PERIOD = 0.1
GIVE_UP_SECONDS = 2.0
REPAIR_AFTER_SECONDS = 1.5
REPAIR_AT_MOST = 50
NAMED = 5


class Epilogue:
    """Asks on a thread of its own until Prefect shows the whole run, or shows that it cannot.

    A server that has not answered for two seconds is given up, and nobody waits longer than
    ``FLUSH_SECONDS``. Steps that Prefect still lacks after 1.5 s were lost between its client
    and its server; they are sent once more, with the ids that they had.
    """

    def __init__(self, api: Api, run: str, jobs: Sequence[Job], pulse: Pulse) -> None:
        self._api, self._run, self._jobs, self._pulse = api, run, jobs, pulse
        self._recorded: Recorded | None = None
        self._trouble = ""
        self._over, self._gone = threading.Event(), threading.Event()

    def run(self, seconds: float = FLUSH_SECONDS) -> None:
        """Ask until the record is whole, at most for ``seconds``."""
        threading.Thread(target=self._ask, name="prefect-epilogue", daemon=True).start()
        self._over.wait(seconds)
        self._gone.set()

    def sentence(self, trouble: str, *, with_report: bool) -> str:
        """What Prefect does not show of the run, or ""; ``trouble`` is what the flow met."""
        late = "it did not answer in time"
        if not self._pulse.up.is_set():
            why = trouble or self._trouble or late
            return f"Prefect never took the run ({why}) and shows none of its steps"
        if self._recorded is None:
            why = self._trouble or trouble or late
            return f"Prefect does not say what it has recorded of the run ({why})"
        missing = self._missing(self._recorded)
        lacking = [_names(missing)] if missing else []
        lacking += [] if self._recorded.ended else ["the run's end"]
        lacking += ["the report"] if with_report and not self._recorded.reports else []
        if not lacking:
            return ""
        why = self._trouble or trouble
        return f"Prefect has not recorded {', '.join(lacking)}" + (f" ({why})" if why else "")

    def _ask(self) -> None:
        started = answered = time.monotonic()
        repaired = False
        while not self._gone.is_set():
            try:
                self._recorded, self._trouble = recorded(self._api, self._run, ASK_SECONDS), ""
                answered = time.monotonic()
            except DrtoolError as error:
                self._trouble = error.line()
            now = time.monotonic()
            if self._whole() or self._hopeless() or now - answered >= GIVE_UP_SECONDS:
                break
            if not repaired and now - started > REPAIR_AFTER_SECONDS:
                repaired = self._repair()
            self._gone.wait(ASK_PERIOD)
        self._over.set()

    def _whole(self) -> bool:
        found = self._recorded
        return found is not None and found.ended and not self._missing(found)

    def _hopeless(self) -> bool:
        """Whether Prefect's side has ended without ever taking the run."""
        return bool(self._pulse.ended) and not self._pulse.up.is_set()

    def _missing(self, found: Recorded) -> tuple[str, ...]:
        return found.missing(tuple(job.step.name for job in self._jobs))

    def _repair(self) -> bool:
        """Whether the steps that the ended flow lacks were sent again."""
        if self._recorded is None or not self._recorded.ended:
            return False
        missing = set(self._missing(self._recorded))
        lost = [job for job in self._jobs if job.step.name in missing]
        try:
            for job in lost[:REPAIR_AT_MOST]:
                record_again(self._api, self._pulse.flow_run, job, ASK_SECONDS)
        except DrtoolError as error:
            self._trouble = error.line()
        return True


def _names(steps: tuple[str, ...]) -> str:
    shown = ", ".join(steps[:NAMED])
    rest = len(steps) - NAMED
    return f"step{'s' if len(steps) > 1 else ''} {shown}" + (
        f" and {rest} more" if rest > 0 else ""
    )
