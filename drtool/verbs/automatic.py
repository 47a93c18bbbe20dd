"""Whether a failover that nobody typed may begin, and what a person is told who types one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from drtool.errors import BadInput, Refused
from drtool.journal.store import Journal
from drtool.journal.summary import RunSummary
from drtool.model.event import World
from drtool.model.inventory import Service
from drtool.model.purpose import Mode, Procedure
from drtool.model.signals import WINDOW, Allowance, Automatic
from drtool.runbook.load import Loaded
from drtool.safety.flapping import PastFailover, reason_not_to_repeat, warning_of_flapping
from drtool.units import Duration
from drtool.verbs.request import StartRequest


def allowance_of(
    request: StartRequest, loaded: Loaded, journal: Journal, now: datetime
) -> Allowance | None:
    """What lets a run begin that nobody typed; None for one that somebody did.

    The inventory is judged as its file is at this moment, so that who takes the entry out has
    ended it. What only a person can answer for - a data loss, a fence by word, a lease by force,
    rules put aside - is never part of it. Raises BadInput when no entry allows it, Refused when
    the service flaps.
    """
    if request.because is None:
        return None
    name = loaded.runbook.service
    allowed = _entry(loaded, name)
    said = (request.accepted_loss, request.statement, request.take_over)
    if (
        allowed is None
        or any(word is not None for word in said)
        or request.break_glass
        or request.procedure is not Procedure.FAILOVER
        or request.mode is not Mode.LIVE
        or _file(loaded, allowed.failover.runbook) != request.runbook.resolve()
    ):
        raise BadInput(
            f"automatic {request.procedure.value} of {name}",
            f"no entry of {loaded.inventory_source} allows it for {request.runbook}",
            hint=f"services.{name}.automatic.failover names the runbook and who allowed it",
        )
    window, past = allowed.failover.at_most_once_in, past_failovers(journal.summaries(), name)
    reason = reason_not_to_repeat(name, past, now, window)
    if reason is not None:
        raise Refused(f"automatic failover of {name}", reason, hint="drtool explain last")
    content = Path(loaded.inventory_source).read_bytes()
    return Allowance(
        by=allowed.failover.allowed_by,
        source=loaded.inventory_source,
        sha256=hashlib.sha256(content).hexdigest(),
        because=request.because,
    )


def flapping_before(request: StartRequest, loaded: Loaded, journal: Journal, now: datetime) -> str:
    """What a person must know who fails over again so soon, or ""."""
    if request.procedure is not Procedure.FAILOVER or request.mode is not Mode.LIVE:
        return ""
    name = loaded.runbook.service
    known = loaded.inventory.services.get(name)
    past = past_failovers(journal.summaries(), name)
    return warning_of_flapping(name, past, now, window_of(known)) or ""


def window_of(service: Service | None) -> Duration:
    """The time within which a second failover looks like flapping."""
    automatic = service.automatic if service else None
    return automatic.failover.at_most_once_in if automatic else WINDOW


def past_failovers(summaries: Iterable[RunSummary], service: str) -> tuple[PastFailover, ...]:
    """The live failovers of a service that this journal knows.

    Of those that people began, the ones that changed nothing do not count.
    """
    return tuple(
        PastFailover(run=one.run, began=one.started.wall, automatic=one.automatic)
        for one in summaries
        if one.service == service
        and one.procedure is Procedure.FAILOVER
        and one.mode is Mode.LIVE
        and (one.automatic or one.world is not World.UNTOUCHED)
    )


def _entry(loaded: Loaded, service: str) -> Automatic | None:
    known = loaded.inventory.services.get(service)
    return known.automatic if known else None


def _file(loaded: Loaded, runbook: str) -> Path:
    return (loaded.directory / runbook).resolve()
