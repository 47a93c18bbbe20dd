"""Hand a planned run over to a failover: what is written of it, and how its steps are left."""

from __future__ import annotations

from drtool.crashpoint import crashpoint
from drtool.engine.context import HeirReady, Phase, RunContext
from drtool.engine.permits import reason_not_to_escalate
from drtool.engine.requests import warning
from drtool.engine.result import Result
from drtool.model.event import Request, StepEnded, Via
from drtool.model.purpose import Outcome
from drtool.model.steering import EscalationAsked
from drtool.progress.run_state import RunState

_LEFT = "the run was handed over while it was at work; its effect may be there"


def escalation_asked(request: Request, state: RunState, heir: str) -> EscalationAsked:
    """The event of a request, with the run that takes over and what is known of the outage.

    Nobody's guess: it is what a person says; else the moment at which the run itself began to
    take the service away; else it is not measured.
    """
    since, source = request.outage_start, "given by --outage-since"
    if since is None and state.fence_began is not None:
        since = state.fence_began.wall
        source = f"run {state.run} began to take the service away"
    return EscalationAsked(
        by=request.by,
        reason=request.reason,
        heir=heir,
        outage_start=since,
        outage_source=source if since else "not measured",
    )


def begin_handing(context: RunContext, ready: HeirReady) -> bool:
    """Write that the run is handed over; False, with the reason written, when it must not be."""
    refusal = reason_not_to_escalate(context.recorder.state())
    why = refusal.line() if refusal is not None else ready.refusal
    if context.phase is not Phase.GOING:
        why = why or "the engine was told to leave"
    if ready.heir is None or why:
        if ready.heir is not None:
            ready.heir.dismiss()
        context.recorder.write(warning(ready.request, why))
        return False
    context.recorder.write(ready.heir.asked)
    crashpoint("escalation.asked-written")
    context.heir = ready.heir
    return True


def abandoned_to_heir() -> Result:
    """What is written of a step that hangs in a call while another run takes over."""
    return Result(Outcome.HANDED_OVER, _LEFT)


def ended_for_heir(context: RunContext) -> None:
    """End the steps that an earlier engine left under way: the run that takes over looks."""
    context.recorder.write(
        *(
            StepEnded(
                step=step.name,
                attempt=step.attempts,
                outcome=Outcome.HANDED_OVER,
                via=step.via or Via.DIRECT,
                reason=_LEFT if step.mid_effect else "the run was handed over",
            )
            for step in context.recorder.state().steps
            if step.attempts and not step.outcome.ended
        )
    )
