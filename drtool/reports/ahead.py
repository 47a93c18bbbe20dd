"""What a plan promises: when each step ends by the budgets, and what the objectives leave."""

from __future__ import annotations

from dataclasses import dataclass

from drtool.model.plan import Plan
from drtool.model.purpose import Purpose
from drtool.reports.scale import Span
from drtool.units import Duration, seconds_text

_SERVING = {Purpose.VERIFY, Purpose.REDIRECT, Purpose.PROMOTE}


@dataclass(frozen=True, slots=True)
class Ahead:
    """Moments in seconds since the start, if every step takes what it is counted with.

    ``serves`` is the end of the last step that moves clients or looks whether they are served.
    ``away`` is when the service is taken away: at once where it is lost, else at the first fence;
    None where that is not known. ``latest`` is when the objective is missed.
    """

    spans: dict[str, Span]
    ends: float
    serves: float
    away: float | None
    no_return: float | None
    objective: str
    limit: Duration | None

    @property
    def latest(self) -> float | None:
        """When the objective is missed; None where it cannot be judged."""
        if self.away is None or self.limit is None:
            return None
        return self.away + self.limit.seconds

    def text(self) -> str:
        """What the budgets promise, against the objective."""
        if self.away is None:
            return f"by the budgets it takes {seconds_text(self.ends)}"
        measure = "recovery time" if self.objective == "RTO" else self.objective
        took = f"{measure} by the budgets: {seconds_text(self.serves - self.away)}"
        return f"{took}; objective {self.limit}" if self.limit else f"{took}; no objective is set"


def look_ahead(plan: Plan) -> Ahead:
    """Everything at the pace of the budgets, without a failure."""
    spans: dict[str, Span] = {}
    for step in plan.steps:
        begin = max((spans[need].end for need in step.needs), default=0.0)
        spans[step.name] = Span(begin, begin + (0.0 if step.rescues else step.counted.seconds))
    ends = max((span.end for span in spans.values()), default=0.0)
    serving = [spans[step.name].end for step in plan.steps if step.purpose in _SERVING]
    unplanned = plan.procedure.unplanned
    return Ahead(
        spans=spans,
        ends=ends,
        serves=max(serving, default=ends),
        away=0.0 if unplanned else _first(plan, spans, Purpose.FENCE),
        no_return=_first(plan, spans, Purpose.PROMOTE),
        objective="RTO" if unplanned else "downtime",
        limit=plan.objectives.rto if unplanned else plan.objectives.downtime,
    )


def title(plan: Plan) -> str:
    """What is planned, of which service, which way."""
    left, to = plan.direction.from_site, plan.direction.to_site
    way = f" from {left} to {to}" if left and to else f" at {left or to}" if left or to else ""
    return f"{plan.procedure.value.capitalize()} of {plan.service}{way}"


def facts(plan: Plan) -> str:
    """Which runbook it comes from, and which version of it."""
    strategy = plan.strategy.value if plan.strategy else "no strategy"
    return f"runbook {plan.runbook} ({strategy}), digest {plan.digest[:12]}"


def _first(plan: Plan, spans: dict[str, Span], purpose: Purpose) -> float | None:
    return min((spans[s.name].begin for s in plan.steps if s.purpose is purpose), default=None)
