"""Start the failover that an inventory allows, once for each outage, and say why not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from drtool.errors import DrtoolError, Interrupted
from drtool.journal.summary import RunSummary
from drtool.model.purpose import Mode, Procedure
from drtool.model.signals import AutomaticFailover
from drtool.safety.flapping import reason_not_to_repeat
from drtool.safety.outage import Word
from drtool.units import seconds_text
from drtool.verbs.automatic import past_failovers
from drtool.verbs.launch import Launched
from drtool.verbs.request import StartRequest, requester
from drtool.verbs.watch.findings import About, Finding
from drtool.verbs.watch.runs import SCOPE
from drtool.verbs.watch.services import ServiceWatch

Start = Callable[[StartRequest], Launched]
START_SECONDS = 150.0


class Automaton:
    """Starts what one service's inventory entry allows.

    Invariant: at most one start is tried for each outage, and none while anything speaks
    against it; whatever comes of it is told.
    """

    def __init__(self, watch: ServiceWatch, allowed: AutomaticFailover, start: Start) -> None:
        self._watch, self._allowed, self._start = watch, allowed, start
        self._told: Finding | None = None

    def act(self, summaries: Iterable[RunSummary], now: datetime) -> Finding | None:
        """Start the failover if it is time to; what became of it, as long as the outage lasts."""
        verdict = self._watch.verdict
        if verdict.word is Word.WELL:
            self._told = None
        hold_down = self._allowed.hold_down or self._watch.service.hold_down
        late = verdict.word is Word.OUTAGE and verdict.agreed_seconds >= hold_down.seconds
        if self._told is not None or not late:
            return self._told
        known = tuple(summaries)
        reason = self.reason_not_to_start(known, now)
        if reason is not None:
            said = f"no failover of {self._watch.name} is started: {reason}"
            self._told = self._finding(said, "not started")
        else:
            self._told = self._started()
        return self._told

    def reason_not_to_start(self, summaries: tuple[RunSummary, ...], now: datetime) -> str | None:
        """What speaks against a start, the gravest first."""
        name = self._watch.name
        if self._watch.split_brain is not None:
            return self._watch.split_brain
        for one in summaries:
            if one.service == name and one.mode.changes_the_world and one.ended is None:
                return f"run {one.run} of it has not ended; drtool explain {one.run}"
        past = past_failovers(summaries, name)
        return reason_not_to_repeat(name, past, now, self._allowed.at_most_once_in)

    def _started(self) -> Finding:
        try:
            launched = self._start(self._request())
        except DrtoolError as error:
            launched = Launched(text=error.line(), exit_code=error.exit_code)
        name, who = self._watch.name, self._allowed.allowed_by
        if not launched.run:
            said = f"the failover of {name} that {who} allowed could not be started: "
            return self._finding(said + " ".join(launched.text.split()), "not started")
        said = (
            f"a failover of {name} was started: run {launched.run}; {who} allowed it in "
            f"{self._watch.loaded.inventory_source}"
        )
        return self._finding(said, "started", launched.run)

    def _request(self) -> StartRequest:
        verdict, loaded = self._watch.verdict, self._watch.loaded
        since = verdict.since.isoformat() if verdict.since else None
        agreed = seconds_text(verdict.agreed_seconds)
        return StartRequest(
            runbook=(loaded.directory / self._allowed.runbook).resolve(),
            inventory=Path(loaded.inventory_source).resolve(),
            procedure=Procedure.FAILOVER,
            mode=Mode.LIVE,
            outage_since=since,
            outage_source=f"the first signal to fail: {verdict.source}",
            because=f"two places have said for {agreed} that it is out: {verdict.reason}",
            requester=f"drtool watch, as {requester()}",
        )

    def _finding(self, text: str, what: str, run: str = "") -> Finding:
        commands = (f"drtool attach {run}", f"drtool abort {run}") if run else ()
        return Finding(
            key=f"{About.AUTOMATIC.value} {self._watch.name} {what} {run}".rstrip(),
            scope=SCOPE,
            about=About.AUTOMATIC,
            service=self._watch.name,
            since=self._watch.verdict.since,
            text=text,
            commands=commands,
        )


def start_apart(request: StartRequest) -> Launched:
    """Start a run from a process of its own: an engine is forked where there are no threads.

    Raises Interrupted when that process does not say what became of it.
    """
    command = [sys.executable, "-m", "drtool.verbs.watch.starter"]
    try:
        done = subprocess.run(
            command,
            input=request.model_dump_json(),
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        return Launched.model_validate_json(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Interrupted(
            "automatic failover", "whether it was started is not known", hint="drtool runs"
        ) from error
