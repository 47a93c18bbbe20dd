"""Carry a run's steps through Prefect, as long as Prefect keeps up."""

from __future__ import annotations

import queue
import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from drtool.compiler.api import Api
from drtool.compiler.ask import asks_to_cancel, leave_behind
from drtool.compiler.claim import Job, Pulse
from drtool.compiler.epilogue import Epilogue
from drtool.compiler.flow import Itinerary, carry, load
from drtool.compiler.lanes import Closing, Feed
from drtool.compiler.settings import environment
from drtool.engine.direct import DirectExecutor
from drtool.engine.ports import Work
from drtool.errors import DrtoolError
from drtool.model.event import RunEnded, Via
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode
from drtool.redact import Redactor

CANCEL_PERIOD = 1.0
ASK_SECONDS = 2.0
START_AGAIN_SECONDS = 1.0
PLANNED_SECONDS = 2.5
SWITCH_SECONDS = 0.0001
BRIEF = 120


class PrefectExecutor:
    """Hands each step to a Prefect flow on a thread beside the engine, and runs late ones itself.

    Prefect is never waited for beyond the limits of ``claim`` and of ``finish``. Its threads may
    outlive ``finish``: the process has to leave by ``os._exit``. ``markdown`` gives the report of
    a run, by its id, for the artifact.
    """

    name = "prefect"

    def __init__(
        self,
        api: Api,
        mode: Mode,
        redactor: Redactor,
        log_file: Path,
        prefect_home: Path | None = None,
        *,
        markdown: Callable[[str], str] | None = None,
    ) -> None:
        self._markdown = markdown
        self._api, self._mode, self._redactor = api, mode, redactor
        self._settings = environment(api, log_file, prefect_home)
        self._feed: Feed = Feed()
        self._pulse = Pulse()
        self._flow_run = ""
        self._trouble = ""
        self._run = ""
        self._jobs: list[Job] = []
        self._direct = DirectExecutor()
        self._waiting: queue.SimpleQueue[tuple[Job, float, str]] = queue.SimpleQueue()
        self._closing, self._tried = threading.Event(), threading.Event()
        self._loading = threading.Thread(target=self._load, name="prefect-import", daemon=True)
        self._flow = threading.Thread(name="prefect-flow", daemon=True)

    def prepare(self) -> None:
        """Begin to import Prefect, which takes a second, while other things go on; optional.

        From now on Prefect's threads compute beside the engine's, and a thread that comes back
        from the disk or the network would wait up to 5 ms for each of theirs.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        self._loading.start()

    def start(self, plan: Plan, run: str, on_cancel: Callable[[], None]) -> None:
        """Bring the flow up on a thread of its own, and another that watches for cancelling.

        Before a planned procedure asks for its consent, while nobody is waiting for the service,
        the flow's first try is waited for; otherwise this returns at once.
        """
        self._run = run
        if self._loading.ident is None:
            self.prepare()
        itinerary = Itinerary(plan, run, self._mode)
        self._flow = threading.Thread(
            target=self._carry, args=(itinerary,), name="prefect-flow", daemon=True
        )
        self._flow.start()
        threading.Thread(target=self._stand_by, name="prefect-late", daemon=True).start()
        threading.Thread(
            target=self._watch, args=(on_cancel,), name="prefect-cancel", daemon=True
        ).start()
        if plan.consent_at_start and self._mode.changes_the_world:
            self._tried.wait(PLANNED_SECONDS)

    def wait_until_up(self, seconds: float) -> bool:
        """Whether Prefect has taken the run; waits for it no longer than ``seconds``."""
        return self._pulse.up.wait(seconds)

    def submit(self, step: PlanStep, work: Work) -> None:
        """Offer the step to Prefect, and run it directly if Prefect does not claim it in time."""
        job = Job(step, work)
        self._jobs.append(job)
        now = time.monotonic()
        patience, reason = self._pulse.patience(now)
        self._feed.put(job)
        if patience > 0:
            self._waiting.put((job, now + patience, reason))
        else:
            self._run_directly(job, reason)

    def finish(self, ended: RunEnded, report: str) -> str:
        """End the flow, ask Prefect what it recorded, and tell what is missing; at most 5 s."""
        text = self._redactor.clean(f"{ended.outcome.value}: {ended.world.value}. {ended.reason}")
        report = self._redactor.clean(self._report(report))
        self._feed.put(Closing(ended.outcome, text.strip(), report))
        self._closing.set()
        epilogue = Epilogue(self._api, self._run, self._jobs, self._pulse.up, self._flow)
        epilogue.run()
        return self._redactor.clean(epilogue.sentence(self._trouble, with_report=bool(report)))

    def _report(self, given: str) -> str:
        """The report in Markdown, made by whoever can; else what the engine gave."""
        if self._markdown is None or not given:
            return given
        try:
            return self._markdown(self._run)
        except Exception as error:  # noqa: BLE001 - the run is over, its record is not worth failing
            return f"The report could not be made: {_brief(error)}"

    def _stand_by(self) -> None:
        """Run each job itself that nobody has claimed when its time is over.

        Jobs come in the order of their deadlines; a claimed one wakes nobody.
        """
        while True:
            job, deadline, reason = self._waiting.get()
            while job.via is None and (left := deadline - time.monotonic()) > 0:
                time.sleep(left)
            if self._run_directly(job, reason):
                self._pulse.missed()

    def _run_directly(self, job: Job, reason: str) -> bool:
        """Whether the job was still to be had."""
        if not job.claim(Via.DIRECT, reason):
            return False
        self._direct.submit(job.step, lambda _via, _reason: job.run())
        return True

    def _load(self) -> None:
        try:
            load(self._settings)
        except Exception as error:  # noqa: BLE001 - told when the flow does not come up
            self._trouble = _brief(error)

    def _carry(self, itinerary: Itinerary) -> None:
        """Bring the flow up, again and again until it comes up or the run ends."""
        self._loading.join()
        while not self._pulse.up.is_set():
            try:
                carry(itinerary, self._feed, self._pulse, self._came_up)
            except BaseException as error:  # noqa: BLE001 - Prefect's troubles end here
                self._trouble = _brief(error)
            self._tried.set()
            if not self._pulse.up.is_set() and self._closing.wait(START_AGAIN_SECONDS):
                break
        self._pulse.end(f"Prefect gave up the flow ({self._trouble})")

    def _came_up(self, flow_run: str) -> None:
        self._flow_run, self._trouble = flow_run, ""
        self._pulse.up.set()
        self._tried.set()

    def _watch(self, on_cancel: Callable[[], None]) -> None:
        """Turn cancelling in Prefect into the engine's abort, once."""
        self._pulse.up.wait()
        with suppress(DrtoolError):
            leave_behind(self._api, self._run, self._flow_run, ASK_SECONDS)
        while not self._closing.wait(CANCEL_PERIOD):
            with suppress(DrtoolError):
                if asks_to_cancel(self._api, self._flow_run, ASK_SECONDS):
                    on_cancel()
                    return


def _brief(error: BaseException) -> str:
    """Prefect's trouble in a few words."""
    first = (str(error).strip().splitlines() or [""])[0]
    words = re.sub(r"\[Errno -?\d+\] ", "", first.partition(" for url ")[0])
    return words[:BRIEF] or type(error).__name__
