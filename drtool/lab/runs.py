"""Start runs of drtool as a user does, from the command line, and follow them.

Nothing else in the lab knows how drtool's output is spelled.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from drtool.clock import SystemClock, seconds_passed
from drtool.errors import DrtoolError
from drtool.lab.processes import process
from drtool.model.event import ConsentAsked, Event, ReportWritten, RunEnded, RunStarted, Via
from drtool.model.purpose import Outcome, Procedure, Purpose
from drtool.units import Duration

START_SECONDS = 60.0
LEAVE_SECONDS = 30.0
RUN_SECONDS = 90.0
_POLL = 0.02
Hear = Callable[[Event], None]


class _Read(BaseModel):
    """What is read of a document that says more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Step(_Read):
    """One step of a run's report."""

    name: str
    purpose: Purpose
    outcome: Outcome
    seconds: float | None
    budget: Duration | None
    via: Via | None
    via_reason: str = ""
    reason: str = ""
    answered_seconds: float | None = None


class Objective(_Read):
    """One objective as the report judged it."""

    objective: Literal["rto", "rpo", "downtime"]
    limit: Duration | None
    measured_seconds: float | None
    upper_bound: bool
    judgement: str
    note: str = ""


class Part(_Read):
    """One part of the recovery time."""

    name: str
    seconds: float | None


class Report(_Read):
    """What the drill takes from ``drtool report RUN --json``."""

    run: str
    procedure: Procedure
    from_site: str | None
    to_site: str | None
    engine: str
    engine_note: str = ""
    started: datetime
    ended: datetime | None
    outcome: Outcome | None
    exit_code: int | None
    reason: str = ""
    hint: str = ""
    world_text: str = ""
    recovery_seconds: float | None = None
    objectives: tuple[Objective, ...] = ()
    parts: tuple[Part, ...] = ()
    steps: tuple[Step, ...] = ()

    def objective(self, name: str) -> Objective | None:
        """The objective of that name."""
        return next((one for one in self.objectives if one.objective == name), None)


@dataclass(frozen=True)
class Ran:
    """A run that is over: its report, where that lies, and how its process left.

    ``left_seconds`` is how long the engine's process stayed after the run's last event, None
    when it was still there at the end of our patience.
    """

    report: Report
    exit_code: int
    html: str
    left_seconds: float | None


class Drtool:
    """The command line with one runbook, one inventory and one way to carry runs."""

    def __init__(
        self, runbook: Path, inventory: Path, environment: dict[str, str], engine: str
    ) -> None:
        self.runbook, self.inventory, self.engine = runbook, inventory, engine
        self._environment = environment

    def start(self, procedure: str, *words: str) -> str:
        """Start a run and leave it on its own; gives its id. Raises DrtoolError if it will not."""
        done = self._run(
            *(procedure, str(self.runbook), "--inventory", str(self.inventory)),
            *("--engine", self.engine, "--detach", "--json", *words),
        )
        try:
            return str(json.loads(done)["run"])
        except (ValueError, KeyError) as error:
            raise DrtoolError(f"drtool {procedure}", f"did not tell its run: {done!r}") from error

    def carry(self, procedure: str, *words: str, hear: Hear, service: str) -> Ran:
        """Start a run, consent to whatever it asks by the service's name, follow it to its end."""
        run = self.start(procedure, *words)
        follower = _Follower(self, run, service, hear)
        exit_code = follower.follow()
        left = follower.wait_until_left()
        report = Report.model_validate_json(self._run("report", run, "--json"))
        return Ran(report, exit_code, follower.html, left)

    def approve(self, run: str, step: str, service: str) -> None:
        """Consent to what a run asks."""
        self._run("approve", run, step, "--service", service)

    def attach(self, run: str) -> subprocess.Popen[str]:
        """A process that prints the run's events and ends with the run's exit code."""
        return subprocess.Popen(
            self._command("attach", run, "--json"),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "drtool", *words]

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            self._command(*words),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise DrtoolError(f"drtool {words[0]}", said or f"ended with {done.returncode}")
        return done.stdout


class _Follower:
    """Follows one run by its events and consents to what it asks."""

    def __init__(self, drtool: Drtool, run: str, service: str, hear: Hear) -> None:
        self._drtool, self._run, self._service, self._hear = drtool, run, service, hear
        self._engine_pid = 0
        self._ended_at: float | None = None
        self.html = ""

    def follow(self) -> int:
        """Hear events until the run is over; gives its exit code."""
        attached = self._drtool.attach(self._run)
        patience = threading.Timer(RUN_SECONDS, attached.kill)
        patience.start()
        if attached.stdout is not None:
            for line in attached.stdout:
                try:
                    event = Event.model_validate_json(line)
                except ValidationError:
                    continue
                self._take(event)
        said = attached.stderr.read().strip() if attached.stderr is not None else ""
        code = attached.wait()
        patience.cancel()
        if self._ended_at is None:
            raise DrtoolError(
                f"run {self._run}",
                said or f"has not ended after {RUN_SECONDS:g} s",
                hint=f"drtool status {self._run}; drtool explain {self._run}",
            )
        return code

    def _take(self, event: Event) -> None:
        self._hear(event)
        match event.body:
            case RunStarted():
                self._engine_pid = event.body.pid
            case ConsentAsked():
                threading.Thread(target=self._approve, args=(event.body.step,)).start()
            case RunEnded():
                self._ended_at = event.at.monotonic
            case ReportWritten():
                self.html = event.body.html
            case _:
                pass

    def _approve(self, step: str) -> None:
        self._drtool.approve(self._run, step, self._service)

    def wait_until_left(self) -> float | None:
        """Seconds from the run's last event until its engine's process was gone."""
        until = time.monotonic() + LEAVE_SECONDS
        engine = process(self._engine_pid)
        while engine is not None and engine.runs:
            if time.monotonic() > until:
                return None
            time.sleep(_POLL)
        now = seconds_passed(SystemClock())
        return max(0.0, now - (self._ended_at or now))
