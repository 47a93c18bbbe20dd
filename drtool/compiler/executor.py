"""Carry a run's steps through Prefect, as long as Prefect keeps up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from drtool.compiler.api import Api
from drtool.compiler.ask import Recorded, asks_to_cancel, leave_behind, recorded
from drtool.compiler.claim import Job, Pulse
from drtool.compiler.flow import Closing, Feed, Itinerary, carry
from drtool.compiler.settings import environment
from drtool.engine.ports import Work
from drtool.errors import DrtoolError
from drtool.model.event import RunEnded, Via
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode
from drtool.redact import Redactor

FLUSH_SECONDS = 4.5
CANCEL_PERIOD = 1.0
ASK_SECONDS = 2.0
ASK_PERIOD = 0.05
START_AGAIN_SECONDS = 1.0
NAMED = 5


class PrefectExecutor:
    """Hands each step to a Prefect flow on a thread beside the engine, and runs late ones itself.

    Prefect is never waited for beyond the limits of ``claim`` and of ``finish``. Its threads may
    outlive ``finish``: the process has to leave by ``os._exit``.
    """

    name = "prefect"

    def __init__(
        self,
        api: Api,
        mode: Mode,
        redactor: Redactor,
        log_file: Path,
        prefect_home: Path | None = None,
    ) -> None:
        self._api, self._mode, self._redactor = api, mode, redactor
        self._settings = environment(api, log_file, prefect_home)
        self._feed: Feed = Feed()
        self._pulse = Pulse()
        self._flow_run = ""
        self._trouble = ""
        self._recorded: Recorded | None = None
        self._steps: list[str] = []
        self._closing, self._gone = threading.Event(), threading.Event()
        self._flow = threading.Thread(name="prefect-flow", daemon=True)

    def start(self, plan: Plan, run: str, on_cancel: Callable[[], None]) -> None:
        """Bring the flow up on a thread of its own, and another that watches for cancelling."""
        itinerary = Itinerary(plan, run, self._mode)
        self._flow = threading.Thread(
            target=self._carry, args=(itinerary,), name="prefect-flow", daemon=True
        )
        self._flow.start()
        threading.Thread(
            target=self._watch, args=(run, on_cancel), name="prefect-cancel", daemon=True
        ).start()

    def wait_until_up(self, seconds: float) -> bool:
        """Whether Prefect has taken the run; waits for it no longer than ``seconds``."""
        return self._pulse.up.wait(seconds)

    def submit(self, step: PlanStep, work: Work) -> None:
        """Offer the step to Prefect, and run it directly if Prefect does not claim it in time."""
        job = Job(step, work)
        self._steps.append(step.name)
        patience, reason = self._pulse.patience(time.monotonic())
        self._feed.put(job)
        threading.Thread(
            target=self._stand_by,
            args=(job, patience, reason),
            name=f"step-{step.name}",
            daemon=True,
        ).start()

    def finish(self, ended: RunEnded, report: str) -> str:
        """End the flow, ask Prefect what it recorded, and tell what is missing; at most 5 s."""
        deadline = time.monotonic() + FLUSH_SECONDS
        text = self._redactor.clean(f"{ended.outcome.value}: {ended.world.value}. {ended.reason}")
        self._feed.put(Closing(ended.outcome, text.strip(), self._redactor.clean(report)))
        self._closing.set()
        self._flow.join(deadline - time.monotonic())
        self._gone.set()
        return self._redactor.clean(self._not_recorded(bool(report)))

    def _stand_by(self, job: Job, patience: float, reason: str) -> None:
        """Run the job if nobody has claimed it when the patience is over."""
        if job.claimed.wait(patience) or not job.claim(Via.DIRECT, reason):
            return
        if patience > 0:
            self._pulse.missed()
        job.run()

    def _carry(self, itinerary: Itinerary) -> None:
        """Bring the flow up, again and again until the run ends; then ask what was recorded."""
        while not self._pulse.up.is_set():
            try:
                carry(itinerary, self._settings, self._feed, self._pulse, self._came_up)
                self._trouble = ""
            except BaseException as error:  # noqa: BLE001 - Prefect's troubles end here
                self._trouble = _brief(error)
            if not self._pulse.up.is_set() and self._closing.wait(START_AGAIN_SECONDS):
                break
        self._pulse.end(f"Prefect ended the flow: {self._trouble}" if self._trouble else "")
        while self._pulse.up.is_set() and not self._whole(itinerary.run):
            if self._gone.wait(ASK_PERIOD):
                break

    def _came_up(self, flow_run: str) -> None:
        self._flow_run = flow_run
        self._pulse.up.set()

    def _whole(self, run: str) -> bool:
        """Whether Prefect shows everything of the run, or cannot be asked."""
        try:
            self._recorded = recorded(self._api, run, ASK_SECONDS)
        except DrtoolError as error:
            self._trouble = error.line()
            return False
        return self._recorded.ended and not self._recorded.missing(tuple(self._steps))

    def _watch(self, run: str, on_cancel: Callable[[], None]) -> None:
        """Turn cancelling in Prefect into the engine's abort, once."""
        self._pulse.up.wait()
        with suppress(DrtoolError):
            leave_behind(self._api, run, self._flow_run, ASK_SECONDS)
        while not self._closing.wait(CANCEL_PERIOD):
            with suppress(DrtoolError):
                if asks_to_cancel(self._api, self._flow_run, ASK_SECONDS):
                    on_cancel()
                    return

    def _not_recorded(self, with_report: bool) -> str:
        """What Prefect does not show of the run, as a sentence, or ""."""
        why = f" ({self._trouble})" if self._trouble else ""
        if not self._pulse.up.is_set():
            return f"Prefect never took the run{why}; nothing of it is recorded there"
        if self._recorded is None:
            return f"Prefect does not say what it has recorded of the run{why}"
        lacking = [_names(names)] if (names := self._recorded.missing(tuple(self._steps))) else []
        lacking += [] if self._recorded.ended else ["the run's end"]
        lacking += ["the report"] if with_report and not self._recorded.reports else []
        return f"Prefect has not recorded {', '.join(lacking)}{why}" if lacking else ""


def _names(steps: tuple[str, ...]) -> str:
    shown = ", ".join(steps[:NAMED])
    rest = len(steps) - NAMED
    return f"step{'s' if len(steps) > 1 else ''} {shown}" + (
        f" and {rest} more" if rest > 0 else ""
    )


def _brief(error: BaseException) -> str:
    """Prefect's trouble on one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
