"""Hand a planned run over to a failover, because its primary has died."""

from __future__ import annotations

import time

from drtool.bootstrap import App, build
from drtool.connections.ssh_signer import Signer
from drtool.engine.permits import reason_not_to_escalate
from drtool.errors import Interrupted, Refused
from drtool.model.event import Request, Warned
from drtool.progress.run_state import RunState
from drtool.verbs.drift import refuse_other_version
from drtool.verbs.identity import proven
from drtool.verbs.launch import Launched, launch
from drtool.verbs.records import engine_lives, state_of
from drtool.verbs.request import outage_start, requester
from drtool.verbs.resume import take_up
from drtool.verbs.steer import at_rest, known, leave

POLL_SECONDS = 0.05
TAKEN_SECONDS = 60.0


class Escalated(Launched):
    """What came of it: ``run`` is the failover that goes on, ``before`` the planned run."""

    before: str


def escalate(
    said: str,
    outage_since: str | None = None,
    reason: str = "",
    signer: Signer | None = None,
) -> Escalated:
    """Have a failover take a switchover or a failback over; the failover asks its own consent.

    The run goes on as it was when no failover can be made ready. Raises Refused with the reason
    then, or when a promotion has begun; BadInput for a run that has none to hand over to.
    """
    app = build()
    run, state, lives = known(said, app)
    refusal = reason_not_to_escalate(state)
    if refusal is not None:
        raise at_rest(refusal, state, lives=lives)
    now = app.clock.wall()
    since = outage_start(outage_since, now)
    request = Request(
        run=run, verb="escalate", by=requester(), reason=reason, at=now, outage_start=since
    )
    request = proven(app, request, signer)
    if lives:
        leave(app, request)
        return _taken(app, run, state.seq)
    refuse_other_version(state)
    launched = launch(
        lambda tell: take_up(run, app, tell, escalate=request),
        app.logs / f"{run}.log",
        redactor=app.redactor,
    )
    if not launched.run:
        return Escalated(**dict(launched), before=run)
    return _taken(app, run, state.seq)


def _taken(app: App, run: str, seq: int) -> Escalated:
    """Wait until the run was handed over; raises what was said against it."""
    end = time.monotonic() + TAKEN_SECONDS
    while time.monotonic() < end:
        lives = engine_lives(run, app)
        state = state_of(run, app)[1]
        if state.ended is not None:
            return _ended(run, state)
        _refused(app, run, seq)
        if not lives:
            raise Interrupted(
                f"run {run}", "its engine is gone in the middle of it", hint=f"drtool resume {run}"
            )
        time.sleep(POLL_SECONDS)
    raise Interrupted(
        f"run {run}",
        f"its engine has not answered within {TAKEN_SECONDS:.0f} s",
        hint=f"drtool attach {run}",
    )


def _ended(run: str, state: RunState) -> Escalated:
    if state.ended is None or not state.ended.heir:
        found = f"has ended meanwhile: {state.ended.outcome.value if state.ended else ''}"
        raise Refused(f"run {run}", found, hint=f"drtool explain {run}")
    return Escalated(run=state.ended.heir, before=run)


def _refused(app: App, run: str, seq: int) -> None:
    journal = app.records()
    try:
        fresh = [event.body for event in journal.events(run, seq)]
    finally:
        journal.close()
    for body in fresh:
        if isinstance(body, Warned) and body.about == "request" and "escalate by" in body.text:
            found = body.text.partition(": ")[2].removeprefix(f"run {run}: ")
            hint = f"the run goes on as it was: drtool attach {run}"
            raise Refused(f"run {run}", found, hint=hint)
