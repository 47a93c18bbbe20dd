"""What is asked for when a run is started."""

from __future__ import annotations

import getpass
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drtool.errors import BadInput
from drtool.model.proof import AcceptedLoss
from drtool.model.purpose import Mode, Procedure
from drtool.model.signed import Signed
from drtool.model.value import Value
from drtool.units import Duration


class StartRequest(Value):
    """One procedure of one runbook, in one mode, with everything said on the command line.

    ``take_over`` is why the lease is taken from a holder that is not gone, None where it is not.
    ``because`` is what the signals said of a failover that nobody typed, ``outage_source`` who says
    when the outage began. ``signed`` proves at ``asked_at`` who asks, ``break_glass`` is why
    somebody may who otherwise may not.
    """

    runbook: Path
    procedure: Procedure
    inventory: Path | None = None
    from_site: str | None = None
    to_site: str | None = None
    mode: Mode = Mode.LIVE
    engine: str = "auto"
    outage_since: str | None = None
    parameters: tuple[str, ...] = ()
    accepted_loss: AcceptedLoss | None = None
    statement: str | None = None
    take_over: str | None = None
    because: str | None = None
    outage_source: str = "given by --outage-since"
    requester: str
    signed: Signed | None = None
    asked_at: datetime | None = None
    break_glass: str = ""


def requester() -> str:
    """Who sits here, as ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def outage_start(said: str | None, now: datetime) -> datetime | None:
    """When the outage began: an ISO 8601 time, how long ago (``5m``), or ``now``.

    Raises BadInput for anything else and for a time that is still to come.
    """
    if said is None:
        return None
    if said == "now":
        return now
    try:
        start = now - timedelta(seconds=Duration.parse(said).seconds)
    except ValueError:
        start = _iso(said)
    if start > now + timedelta(seconds=1):
        raise BadInput(
            "--outage-since", f"{said} is still to come", f"a time before {now:%H:%M:%S}Z"
        )
    return start


def _iso(said: str) -> datetime:
    try:
        start = datetime.fromisoformat(said)
    except ValueError as error:
        raise BadInput(
            "--outage-since",
            f"{said!r} is neither a time nor a duration",
            hint="--outage-since 2026-03-01T03:12:00Z, or 5m for five minutes ago, or now",
        ) from error
    if start.tzinfo is None:
        raise BadInput(
            "--outage-since", f"{said!r} has no time zone", hint=f"--outage-since {said}Z for UTC"
        )
    return start.astimezone(UTC)


def parameters(said: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE`` words as parameters; raises BadInput for a word without ``=``."""
    given = {}
    for word in said:
        name, equals, value = word.partition("=")
        if not equals:
            raise BadInput("--set", f"{word!r} has no value", hint=f"--set {word}=VALUE")
        given[name] = value
    return given
