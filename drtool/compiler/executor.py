"""Carry a run's steps through Prefect, as long as Prefect keeps up."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from drtool.compiler.api import Api
from drtool.compiler.ask import asks_to_cancel, leave_behind
from drtool.compiler.claim import Drawn, Job, Pulse
from drtool.compiler.courier import Courier
from drtool.compiler.epilogue import Epilogue
from drtool.compiler.itinerary import itinerary, upstream
from drtool.compiler.message import Claim, Close, Done, Message, Ready, Trouble, Up
from drtool.compiler.showing import kind_of, shown_as
from drtool.compiler.spawn import spawn
from drtool.engine.direct import DirectExecutor
from drtool.engine.ports import Work
from drtool.errors import DrtoolError
from drtool.model.event import RunEnded, Via
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode
from drtool.redact import Redactor

CANCEL_PERIOD = 1.0
ASK_SECONDS = 2.0
READY_SECONDS = 2.5
VEHICLE_GONE = "the process that carries the run through Prefect has ended"


class PrefectExecutor:
    """Offers each step to a Prefect flow in a process beside the engine, and runs late ones itself.

    The flow's task claims the step, the engine does its work, the task shows how it ended.
    Prefect is never waited for beyond the limits of ``claim`` and of ``finish``, and after
    ``finish`` nothing of it is left.
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
        self._log, self._prefect_home = log_file, prefect_home
        self._courier: Courier | None = None
        self._pulse = Pulse()
        self._direct = DirectExecutor()
        self._run = self._trouble = ""
        self._steps: dict[str, PlanStep] = {}
        self._jobs: dict[str, Job] = {}
        self._drawn: dict[str, str] = {}
        self._waiting: queue.SimpleQueue[tuple[Job, float, str]] = queue.SimpleQueue()
        self._closing, self._tried = threading.Event(), threading.Event()

    def prepare(self) -> None:
        """Begin to import Prefect, which takes a second, while other things go on; optional."""
        if self._courier is None:
            vehicle = spawn(self._api, self._log, self._prefect_home)
            self._courier = Courier(vehicle, self._hear)

    def start(self, plan: Plan, run: str, on_cancel: Callable[[], None]) -> None:
        """Have the flow brought up, and watch for its being cancelled."""
        self._run, self._steps = run, {step.name: step for step in plan.steps}
        self.prepare()
        self._send(itinerary(plan, run, self._mode))
        for work in (self._stand_by, lambda: self._watch(on_cancel)):
            threading.Thread(target=work, name="prefect-watch", daemon=True).start()

    def ready(self) -> None:
        """Wait for the flow's first try, for 2.5 s at most."""
        self._tried.wait(READY_SECONDS)

    def wait_until_up(self, seconds: float) -> bool:
        """Whether Prefect has taken the run; waits for it no longer than ``seconds``."""
        return self._pulse.up.wait(seconds)

    def submit(self, step: PlanStep, work: Work) -> None:
        """Offer the step to Prefect, and run it directly if Prefect does not claim it in time."""
        drawn = Drawn(str(uuid4()), upstream(self._steps, step, self._drawn))
        job = Job(step, work, drawn)
        self._jobs[drawn.task_run], self._drawn[step.name] = job, drawn.task_run
        now = time.monotonic()
        patience, reason = self._pulse.patience(now)
        self._send(Ready(drawn.task_run, step.name, drawn.upstream))
        if patience > 0:
            self._waiting.put((job, now + patience, reason))
        else:
            self._run_if(job, Via.DIRECT, reason)

    def finish(self, ended: RunEnded, report: str) -> str:
        """End the flow, ask Prefect what it recorded, and tell what is missing; at most 5 s."""
        text = self._redactor.clean(f"{ended.outcome.value}: {ended.world.value}. {ended.reason}")
        shown = self._redactor.clean(report)
        self._send(Close(kind_of(ended.outcome), text.strip(), shown))
        self._closing.set()
        epilogue = Epilogue(self._api, self._run, tuple(self._jobs.values()), self._pulse)
        epilogue.run()
        if self._courier is not None:
            self._courier.end()
        return self._redactor.clean(epilogue.sentence(self._trouble, with_report=bool(report)))

    def _send(self, message: Message) -> None:
        if self._courier is not None:
            self._courier.send(message)

    def _hear(self, message: Message | None) -> None:
        """Take one message of the vehicle's; None when it is gone."""
        if isinstance(message, Claim):
            self._pulse.beat()
            if (job := self._jobs.get(message.task_run)) is not None:
                self._run_if(job, Via.PREFECT)
            return
        if isinstance(message, Up):
            self._trouble = ""
            self._pulse.take(message.flow_run)
        elif isinstance(message, Trouble):
            self._trouble = message.text
        elif message is None:
            self._pulse.end(VEHICLE_GONE)
        self._tried.set()

    def _run_if(self, job: Job, via: Via, reason: str = "") -> bool:
        """Whether the job was still to be had; then it is run, on a thread of its own."""
        if not job.claim(via, reason):
            return False
        self._direct.submit(job.step, lambda _via, _reason: self._do(job))
        return True

    def _do(self, job: Job) -> None:
        try:
            job.run()
        finally:
            self._send(Done(job.drawn.task_run, *shown_as(job)))

    def _stand_by(self) -> None:
        """Run each job directly that nobody has claimed when its time is over.

        Jobs come in the order of their deadlines; a claimed one wakes nobody.
        """
        while True:
            job, deadline, reason = self._waiting.get()
            while job.via is None and (left := deadline - time.monotonic()) > 0:
                time.sleep(left)
            if self._run_if(job, Via.DIRECT, reason):
                self._pulse.missed()

    def _watch(self, on_cancel: Callable[[], None]) -> None:
        """Turn cancelling in Prefect into the engine's abort, once."""
        self._pulse.up.wait()
        flow_run = self._pulse.flow_run
        with suppress(DrtoolError):
            leave_behind(self._api, self._run, flow_run, ASK_SECONDS)
        while not self._closing.wait(CANCEL_PERIOD):
            with suppress(DrtoolError):
                if asks_to_cancel(self._api, flow_run, ASK_SECONDS):
                    on_cancel()
                    return
