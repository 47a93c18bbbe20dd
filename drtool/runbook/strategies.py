"""What each strategy asks of a runbook's procedures."""

from __future__ import annotations

from drtool.model.purpose import Procedure, Purpose, StepKind, Strategy
from drtool.model.runbook import Runbook
from drtool.runbook.marks import FaultList
from drtool.runbook.standing import Order, Standing

_TWO_SIDED = (Procedure.FAILOVER, Procedure.SWITCHOVER, Procedure.FAILBACK)
_MANY_SIDED = (Procedure.DRAIN, Procedure.LOSE, Procedure.REFILL)


def check_strategy(order: Order, strategy: Strategy | None) -> None:
    """Note every break of the strategy's rules in one procedure."""
    ours = _MANY_SIDED if strategy is Strategy.ACTIVE_ACTIVE else _TWO_SIDED
    if strategy is None or order.procedure not in ours:
        return
    {
        Strategy.HOT_STANDBY: _hot,
        Strategy.WARM_STANDBY: _warm,
        Strategy.PILOT_LIGHT: _pilot,
        Strategy.COLD_STANDBY: _cold,
        Strategy.ACTIVE_ACTIVE: _active,
    }[strategy](order)


def check_procedures(runbook: Runbook, faults: FaultList, *, broken: bool) -> None:
    """Note which procedures are missing, or have no place in the strategy.

    Where one could not be read, ``broken``, it may be the one that is missing.
    """
    active = runbook.strategy is Strategy.ACTIVE_ACTIVE
    at = runbook.sources.get("@procedures", "")
    for procedure, way in runbook.procedures.items():
        stranger = procedure in (_TWO_SIDED if active else _MANY_SIDED)
        if stranger and runbook.strategy is not None:
            faults.add(
                way.source,
                f"procedure {procedure.value} has no place in {runbook.strategy.value}",
                "active-active has drain, lose and refill" if active else "that is active-active's",
            )
    if broken:
        return
    for procedure in (Procedure.DRAIN, Procedure.LOSE) if active and at else ():
        if procedure not in runbook.procedures:
            faults.add(at, f"active-active wants a procedure {procedure.value}; there is none")
    _way_back(runbook, at, faults)


def _way_back(runbook: Runbook, at: str, faults: FaultList) -> None:
    there = set(runbook.procedures)
    leaves = there & {Procedure.FAILOVER, Procedure.SWITCHOVER}
    drains = there & {Procedure.DRAIN, Procedure.LOSE}
    if "failback" in runbook.waivers or not at:
        return
    if leaves and Procedure.FAILBACK not in there:
        hint = "failback: {switchover: to_preferred}"
        hint = hint if Procedure.SWITCHOVER in there else "failback: [...]"
        faults.add(
            at, "there is no way back: no failback", f'{hint}, or waivers: {{failback: "why"}}'
        )
    if drains and Procedure.REFILL not in there:
        faults.add(
            at, "there is no way back: no refill", 'refill: [...], or waivers: {failback: "why"}'
        )


def _hot(order: Order) -> None:
    _must_have(order, Strategy.HOT_STANDBY, Purpose.PROMOTE)
    for step in order.of(Purpose.RESTORE):
        order.fault(step, "restores something; a hot standby has it all", "that is cold-standby")


def _warm(order: Order) -> None:
    if _must_have(order, Strategy.WARM_STANDBY, Purpose.SCALE):
        _each_after(order, Purpose.REDIRECT, Purpose.SCALE, "before the standby is scaled")


def _pilot(order: Order) -> None:
    if not _must_have(order, Strategy.PILOT_LIGHT, Purpose.PROVISION):
        return
    _each_after(order, Purpose.REDIRECT, Purpose.PROVISION, "before what is off was started")
    started = order.of(Purpose.PROVISION)
    healthy = [
        step
        for step in order.steps
        if _only_looks(step) and any(step.after(start) for start in started)
    ]
    for redirect in order.of(Purpose.REDIRECT):
        if not any(redirect.relies_on(check) for check in healthy):
            order.fault(
                redirect,
                "moves clients to what was started and not seen healthy",
                "put a check or wait.until between them",
            )


def _cold(order: Order) -> None:
    if order.procedure in {Procedure.FAILBACK, Procedure.SWITCHOVER}:
        return
    found = [
        _must_have(order, Strategy.COLD_STANDBY, purpose)
        for purpose in (Purpose.PROVISION, Purpose.RESTORE)
    ]
    if not all(found):
        return
    _each_after(order, Purpose.RESTORE, Purpose.PROVISION, "before anything was provisioned")
    for restore in order.of(Purpose.RESTORE):
        if not any(_only_looks(step) and restore.relies_on(step) for step in order.steps):
            order.fault(
                restore,
                "restores a backup whose age nobody judged",
                "put a check of the backup's age before it, with objectives.rpo as its limit",
            )


def _active(order: Order) -> None:
    if order.procedure is Procedure.DRAIN and not any(s.spread.ramped for s in order.steps):
        order.fault(None, "drains all at once", "ramp: weight, through: [50, 10, 0]")
    if order.procedure is not Procedure.LOSE:
        return
    for step in order.where(lambda one: one.spread.ramped):
        order.fault(step, "stands in a ramp; a lost site is left all at once")
        break
    _must_have(order, Strategy.ACTIVE_ACTIVE, Purpose.FENCE)
    for move in order.of(Purpose.REDIRECT, Purpose.DRAIN):
        if not any(_only_looks(step) and move.relies_on(step) for step in order.steps):
            order.fault(
                move,
                "moves clients before the capacity of the other sites was checked",
                "put a check at others before it",
            )


def _must_have(order: Order, strategy: Strategy, purpose: Purpose) -> bool:
    if order.of(purpose):
        return True
    order.fault(None, f"{strategy.value} wants a step with the purpose {purpose.value}")
    return False


def _each_after(order: Order, later: Purpose, earlier: Purpose, words: str) -> None:
    """Note each step that may run without one of the earlier purpose done."""
    for step in order.of(later):
        before = [other for other in order.of(earlier) if step.after(other)]
        what = "moves clients" if later is Purpose.REDIRECT else f"is to {_verb(step)}"
        if not before:
            order.fault(
                step, f"{what} {words}", f"put a step with the purpose {earlier.value} first"
            )
        elif not any(step.relies_on(other) for other in before):
            last = before[-1].step.name
            may = "fail" if before[-1].may_fail else "be skipped"
            hint = f"take on_failure: continue from {last}"
            hint = hint if before[-1].may_fail else f"give both the same when, or {last} none"
            order.fault(step, f"{what} although step {last} may {may}", hint)


def _only_looks(step: Standing) -> bool:
    """Whether a step waits for what it sees: a check, or a command that assesses or verifies."""
    return step.kind is StepKind.CHECK or (
        not step.human
        and step.kind is not StepKind.NOTICE
        and step.purpose in {Purpose.ASSESS, Purpose.VERIFY}
    )


def _verb(step: Standing) -> str:
    return step.purpose.value
