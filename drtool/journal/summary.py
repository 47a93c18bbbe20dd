"""What lists of runs show of one run."""

from __future__ import annotations

from drtool.model.event import Instant, World
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.model.value import Value


class RunSummary(Value):
    """One run: what it was, when, how it ended.

    ``pid``, ``process``, ``host`` and ``boot`` are those of the engine that last took the run up.
    ``outcome``, ``world`` and ``exit_code`` are None while the run goes on, or when it was
    interrupted.
    """

    run: str
    service: str
    runbook: str
    procedure: Procedure
    mode: Mode
    from_site: str | None
    to_site: str | None
    requester: str
    started: Instant
    ended: Instant | None = None
    outcome: Outcome | None = None
    world: World | None = None
    exit_code: int | None = None
    pid: int
    process: str = ""
    host: str
    boot: str
    report: str = ""
