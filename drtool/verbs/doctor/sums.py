"""Each procedure's time limits, added up and held against the runbook's objectives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from drtool.catalog import Catalog
from drtool.model.plan import Plan
from drtool.model.purpose import Procedure
from drtool.runbook.limits import TimeLimits, add_up
from drtool.verbs.doctor.finding import Area, Finding

_AREA = Area.LIMITS


def sums_of(plans: Iterable[Plan], catalog: Catalog) -> tuple[TimeLimits, ...]:
    """The sums of each procedure, in its first direction."""
    first: dict[Procedure, Plan] = {}
    for plan in plans:
        first.setdefault(plan.procedure, plan)
    return tuple(add_up(plan, catalog) for plan in first.values())


def findings(limits: Sequence[TimeLimits], runbook: str) -> Iterator[Finding]:
    """Whether the budgets fit; lint judges only those that are written."""
    for one in limits:
        subject = one.procedure.value
        if one.allowed is not None and one.budgets > one.allowed:
            yield _AREA.warning(
                subject,
                f"its steps, as they are counted, take {one.budgets}",
                f"write shorter budgets, or allow more; drtool plan {runbook} {subject} shows what"
                " each is counted with",
                f"at most the {one.objective} of {one.allowed}",
            )
        else:
            yield _AREA.well(subject, str(one))
