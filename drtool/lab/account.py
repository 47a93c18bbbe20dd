"""The account of a drill: what every run promised and did, what the customers saw, who judges."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from drtool.lab.customers import Order
from drtool.lab.prefect_records import Recorded
from drtool.lab.runs import Ran
from drtool.lab.shopping import Outage, lost, outages
from drtool.lab.two_writers import Moment, two_writers
from drtool.lab.writers import Write

# What the issue of a hung or dead Prefect server may cost at a run's end.
LEAVE_WITHIN_SECONDS = 5.0


@dataclass(frozen=True)
class Criterion:
    """Something that a drill must show: ``met`` or not, and the sentence that says why."""

    met: bool
    text: str


@dataclass(frozen=True)
class Account:
    """All that a drill is judged by; times are seconds since the epoch.

    ``broken`` is when east lost its power. ``lost_with_site`` are orders acknowledged before
    that and not in the database at the end: the data loss of the failover. ``lost_later`` were
    acknowledged afterwards: there must be none. ``ended_early`` is why the story was not told
    to its end.
    """

    runs: tuple[Ran, ...]
    broken: float
    acknowledged: int
    refused: int
    lost_with_site: tuple[Order, ...]
    lost_later: tuple[Order, ...]
    moments: tuple[Moment, ...]
    outages: tuple[Outage, ...]
    recorded: tuple[Recorded, ...] | None
    ended_early: str = ""


def take_account(
    *,
    runs: Sequence[Ran],
    broken: float,
    orders: Sequence[Order],
    writes: Sequence[Write],
    kept: Collection[str],
    recorded: Sequence[Recorded] | None,
    ended_early: str = "",
) -> Account:
    """Put together what was written down; ``kept`` are the orders that the primary has now."""
    gone = lost(orders, kept)
    acknowledged = sum(order.acknowledged for order in orders)
    return Account(
        runs=tuple(runs),
        broken=broken,
        acknowledged=acknowledged,
        refused=len(orders) - acknowledged,
        lost_with_site=tuple(order for order in gone if order.answered <= broken),
        lost_later=tuple(order for order in gone if order.answered > broken),
        moments=tuple(two_writers(writes)),
        outages=tuple(outages(orders, 0, float("inf"))),
        recorded=None if recorded is None else tuple(recorded),
        ended_early=ended_early,
    )


def criteria(account: Account) -> tuple[Criterion, ...]:
    """What the drill must show, each judged."""
    return (
        *(_run(ran) for ran in account.runs),
        *_early_end(account),
        _lost(account),
        _two_primaries(account),
        *_prefect(account),
        _leaving(account),
    )


def _yes(text: str) -> Criterion:
    return Criterion(met=True, text=text)


def _no(text: str) -> Criterion:
    return Criterion(met=False, text=text)


def _run(ran: Ran) -> Criterion:
    report = ran.report
    if ran.exit_code == 0:
        met = ", its objectives were met" if report.objectives else ""
        return _yes(f"{report.procedure.value} succeeded{met}")
    why = f": {report.reason}" if report.reason else ""
    return _no(f"{report.procedure.value} ended with exit code {ran.exit_code}{why}")


def _early_end(account: Account) -> tuple[Criterion, ...]:
    if not account.ended_early:
        return ()
    return (_no(f"the drill could not go on: {account.ended_early}"),)


def _lost(account: Account) -> Criterion:
    if account.lost_later:
        return _no(f"{len(account.lost_later)} orders were lost after the failover, by switching")
    return _yes("the switchover lost not one order")


def _two_primaries(account: Account) -> Criterion:
    certain = [moment for moment in account.moments if moment.certain]
    if certain:
        return _no(f"two sites took writes at once, {len(certain)} times")
    return _yes("never did two sites take writes at once")


def _prefect(account: Account) -> tuple[Criterion, ...]:
    if account.recorded is None:
        return ()
    missing = [one for one in account.recorded if not one.whole]
    steps = sum(one.steps for one in account.recorded)
    if not missing:
        runs = len(account.recorded)
        return (_yes(f"Prefect was asked: all {steps} steps of {runs} runs are there"),)
    said = "; ".join(
        f"{one.run} is {one.flow_state}, missing: {', '.join(one.missing) or 'no step'}"
        for one in missing
    )
    return (_no(f"Prefect does not have everything: {said}"),)


def _leaving(account: Account) -> Criterion:
    slow = [
        ran
        for ran in account.runs
        if ran.left_seconds is None or ran.left_seconds > LEAVE_WITHIN_SECONDS + 1.0
    ]
    if slow:
        names = ", ".join(ran.report.procedure.value for ran in slow)
        return _no(f"the engine stayed too long after its run: {names}")
    longest = max((ran.left_seconds or 0.0 for ran in account.runs), default=0.0)
    return _yes(f"each engine left within {longest:.1f} s of its run's end")


def cause(account: Account, outage: Outage) -> str:
    """What took the service away when an outage began: the power cut, a run, or nothing known."""
    for ran in reversed(account.runs):
        started = ran.report.started.timestamp()
        ended = ran.report.ended.timestamp() if ran.report.ended else float("inf")
        if started <= outage.began <= ended:
            return ran.report.procedure.value
    first = account.runs[0].report if account.runs else None
    before = first is None or outage.began <= first.started.timestamp()
    return "power cut" if account.broken and before and outage.began >= account.broken else ""
