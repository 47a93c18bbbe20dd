"""Start a run: check what was typed, then let the engine's process take over."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from drtool.bootstrap import build
from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput
from drtool.lease.lease import BY_FORCE
from drtool.model.proof import AcceptedLoss
from drtool.model.purpose import Mode, Procedure
from drtool.units import Duration
from drtool.verbs.identity import signer_of
from drtool.verbs.launch import Launched, Tell, launch
from drtool.verbs.permit import break_glass_reason, permitted
from drtool.verbs.request import StartRequest, outage_start, parameters, requester

ENGINES = ("auto", "prefect", "direct")


def begin(
    request: StartRequest,
    meanwhile: Callable[[], None] | None = None,
    signer: Signer | None = None,
) -> Launched:
    """Start the engine's process; the run's id, or why there is none.

    ``meanwhile`` is done in this process while the engine starts. ``signer`` has the keys by which
    the person at this terminal proves who it is, where the inventory's people have some.
    """
    app = build()
    request, loaded = permitted(request, app, signer or signer_of())
    log = app.logs / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"

    def engine(tell: Tell) -> int:
        from drtool.verbs.serve import serve  # noqa: PLC0415 - only the engine's process needs it

        return serve(request, app, tell, loaded)

    return launch(engine, log, meanwhile, redactor=app.redactor)


def request_of(procedure: str, given: Mapping[str, object]) -> StartRequest:
    """A request from what the command line gave; raises BadInput for what makes no sense."""
    dry, drill = bool(given.get("dry_run")), bool(given.get("drill"))
    if dry and drill:
        raise BadInput("--dry-run --drill", "both are given", "one mode")
    engine = str(given.get("engine", "auto"))
    if engine not in ENGINES:
        raise BadInput(f"--engine {engine}", "no such engine", " or ".join(ENGINES))
    said = tuple(str(word) for word in _list(given.get("parameters")))
    parameters(said)
    since = _text(given.get("outage_since"))
    outage_start(since, datetime.now(UTC))
    who = requester()
    return StartRequest(
        runbook=Path(str(given["runbook"])),
        procedure=Procedure(procedure),
        inventory=Path(str(given["inventory"])) if given.get("inventory") else None,
        from_site=_text(given.get("from_site")),
        to_site=_text(given.get("to_site")),
        mode=Mode.DRY_RUN if dry else Mode.DRILL if drill else Mode.LIVE,
        engine=engine,
        outage_since=since,
        parameters=said,
        accepted_loss=_accepted(given, who),
        statement=_stated(given),
        take_over=_take_over(given),
        requester=who,
        break_glass=break_glass_reason(given.get("break_glass"), _text(given.get("reason"))),
    )


def _accepted(given: Mapping[str, object], who: str) -> AcceptedLoss | None:
    amount = _text(given.get("accept_data_loss"))
    if amount is None:
        return None
    reason = (_text(given.get("reason")) or "").strip()
    if not reason:
        raise BadInput(
            "--accept-data-loss",
            "no reason is given",
            hint=f'--accept-data-loss {amount} --reason "why this loss is acceptable"',
        )
    try:
        at_most = "unknown" if amount == "unknown" else Duration.parse(amount)
    except ValueError as error:
        hint = "--accept-data-loss 30s, or --accept-data-loss unknown for any amount"
        raise BadInput("--accept-data-loss", str(error), hint=hint) from error
    return AcceptedLoss(at_most=at_most, by=who, reason=reason)


def _stated(given: Mapping[str, object]) -> str | None:
    """How a person knows that the old primary is fenced; a word without a reason is none."""
    said = _text(given.get("state_fenced"))
    if said is not None and not said.strip():
        raise BadInput("--state-fenced", "no reason is given", hint='--state-fenced "how you know"')
    return said


def _take_over(given: Mapping[str, object]) -> str | None:
    """Why the lease is taken by force; None where it is not."""
    if not given.get("take_over"):
        return None
    if given.get("dry_run"):
        raise BadInput("--take-over --dry-run", "a dry-run takes no lease", "one of the two")
    reason = _text(given.get("reason"))
    if not reason:
        raise BadInput("--take-over", "no reason is given", hint=BY_FORCE)
    return reason


def _text(value: object) -> str | None:
    return str(value) if value else None


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
