"""Hand a planned run over to a failover: what is written of it, and how its steps are left."""

from __future__ import annotations

from drtool.engine.context import HeirReady, RunContext
from drtool.engine.permits import reason_not_to_escalate
from drtool.engine.requests import warning
from drtool.engine.result import Result
from drtool.model.event import Request, StepEnded, Via
from drtool.model.purpose import Outcome
from drtool.model.steering import EscalationAsked

_LEFT = "the run was handed over while it was at work; its effect may be there"


def escalation_asked(request: Request, heir: str) -> EscalationAsked:
    """The event of a request, with the run that takes over."""
    since = request.outage_start
    return EscalationAsked(
        by=request.by,
        reason=request.reason,
        heir=heir,
        outage_start=since,
        outage_source="given by --outage-since" if since else "not measured",
    )


def begin_handing(context: RunContext, ready: HeirReady) -> bool:
    """Write that the run is handed over; False, with the reason written, when it must not be."""
    refusal = reason_not_to_escalate(context.recorder.state())
    why = refusal.line() if refusal is not None else ready.refusal
    if ready.heir is None or why:
        if ready.heir is not None:
            ready.heir.dismiss()
        context.recorder.write(warning(ready.request, why))
        return False
    context.recorder.write(escalation_asked(ready.request, ready.heir.run))
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
