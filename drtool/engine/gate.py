"""The consent that a procedure asks for before its first step."""

from __future__ import annotations

from datetime import timedelta

from drtool import __version__
from drtool.crashpoint import crashpoint
from drtool.engine.context import Answered, Broken, RunContext
from drtool.engine.cover import changes_digest, covered_steps
from drtool.engine.preview import preview
from drtool.engine.waiting import Stopped, wait_for
from drtool.model.event import ConsentAsked, ConsentGiven
from drtool.units import Duration

START = "start"


def gate_is_open(context: RunContext) -> bool:
    """Whether the first step may start without asking."""
    if not context.plan.consent_at_start or not context.mode.changes_the_world:
        return True
    return any(
        consent.asked.step == START
        and consent.given is not None
        and consent.given.decision == "approved"
        for consent in context.recorder.consents
    )


def ask_at_gate(context: RunContext) -> None:
    """Show what would change and wait for the typed service name; tells the scheduler's inbox."""
    try:
        context.inbox.put(Answered(_refusal(_ask(context))))
    except Stopped:
        context.inbox.put(Answered("the run stopped before anybody consented"))
    except Exception as error:  # noqa: BLE001 - the scheduler ends the run with it
        context.inbox.put(Broken(error))


def _ask(context: RunContext) -> ConsentGiven | None:
    plan, limit = context.plan, Duration(context.limits.consent)
    changes = preview(context, covered_steps(plan, START))
    context.ports.executor.ready()
    way = " -> ".join(filter(None, (plan.direction.from_site, plan.direction.to_site)))
    asked = ConsentAsked(
        step=START,
        what="consent",
        text=f"{plan.procedure.value} of {plan.service} {way}: type the service's name to begin",
        changes=changes,
        changes_digest=changes_digest(changes),
        budget=limit,
        expires=context.clock.wall() + timedelta(seconds=limit.seconds),
        version=__version__,
    )
    given = wait_for(context, asked).answer
    crashpoint("consent.given-written")
    return given


def _refusal(given: ConsentGiven | None) -> str:
    if given is None:
        return "nobody consented"
    if given.decision == "approved":
        return ""
    if given.decision == "expired":
        return "nobody consented in time"
    return f"{given.by} did not consent" + (f": {given.reason}" if given.reason else "")
