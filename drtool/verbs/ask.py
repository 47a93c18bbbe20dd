"""Speak to a run from another terminal, through the journal's requests."""

from __future__ import annotations

from typing import Literal

from drtool.bootstrap import build
from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput
from drtool.model.event import Request
from drtool.verbs.identity import proven
from drtool.verbs.records import engine_lives, state_of
from drtool.verbs.request import requester

Verb = Literal["abort", "state"]
_SAID = {
    "abort": "the run is asked to stop",
    "state": "your statement for {step} is given",
}


def ask(
    said: str,
    verb: Verb,
    *,
    step: str = "",
    service: str = "",
    reason: str = "",
    signer: Signer | None = None,
) -> str:
    """Leave a request for a run's engine, and say what was left.

    A statement is signed where people have keys, an abort never is. Raises BadInput when the run
    has ended, its engine is gone, or the service's name is not the run's.
    """
    app = build()
    run, state = state_of(said, app)
    if state.ended is not None:
        raise BadInput(f"run {run}", f"has ended: {state.ended.outcome.value}")
    if not engine_lives(run, app):
        raise BadInput(f"run {run}", "its engine is gone", hint=f"drtool resume {run}")
    if verb == "state" and service != state.plan.service:
        raise BadInput(
            f"run {run}",
            f"--service says {service!r}",
            f"the run's service {state.plan.service!r}",
            f"drtool {verb} {run} {step} --service {state.plan.service}",
        )
    request = Request(
        run=run,
        verb=verb,
        step=step,
        service=service,
        by=requester(),
        reason=reason,
        at=app.clock.wall(),
    )
    request = proven(app, request, signer)
    journal = app.journal()
    journal.request(request)
    journal.close()
    return f"{run}: {_SAID[verb].format(step=step)}"
