"""The rules of order, by purpose: what may come before what, whatever the strategy."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.model.purpose import OnFailure, Procedure, Purpose, StepKind
from drtool.runbook.standing import Order, Standing

_ASKS_AT_START = {
    Procedure.SWITCHOVER,
    Procedure.FAILBACK,
    Procedure.REPROTECT,
    Procedure.DRAIN,
    Procedure.REFILL,
}
_HARMLESS = {Purpose.ASSESS, Purpose.VERIFY, Purpose.ANNOUNCE}
_MOVES = (Purpose.PROMOTE, Purpose.REDIRECT, Purpose.SCALE, Purpose.RESTORE)


def consents_at_start(procedure: Procedure) -> bool:
    """Whether the typed service name at the start is the procedure's own consent."""
    return procedure in _ASKS_AT_START


def check_order(order: Order) -> None:
    """Note every break of the rules of order."""
    if order.procedure is Procedure.REHEARSAL:
        _rehearsal(order)
    else:
        _fence_before_promotion(order)
        _promotion_before_redirect(order)
        _consent(order)
    _nobody_between_fence_and_verify(order)
    _no_unwinding_across(order)


def reason_for_warning(order: Order) -> Iterator[str]:
    """Sentences about what is allowed and yet unwise."""
    redirects = order.of(Purpose.REDIRECT)
    seen = any(step.from_outside for step in order.steps)
    if redirects and not seen and order.procedure is not Procedure.REHEARSAL:
        yield (
            f"procedure {order.procedure.value}: nothing looks at the service from outside after "
            "the redirect, so that its recovery time cannot be measured; add http.answers or "
            "http.writes"
        )


def _fence_before_promotion(order: Order) -> None:
    fences = [step for step in order.of(Purpose.FENCE) if _counts(step)]
    for promotion in order.of(Purpose.PROMOTE):
        before = [fence for fence in fences if promotion.sure_of(fence)]
        kind = promotion.system_kind
        if not before:
            order.fault(
                promotion,
                "promotes with no fence before it",
                f"put {kind or 'postgresql'}.fence (at: from) before it; a demotion is a fence too",
            )
        elif not any(_proves(fence, kind) for fence in before):
            _no_proof(order, promotion, before[-1])
        for fence in before:
            if fence.step.at and fence.step.at == promotion.step.at:
                order.fault(
                    promotion,
                    f"promotes at {promotion.step.at}, which step {fence.step.name} fences",
                    "fence at from, promote at to",
                )


def _counts(fence: Standing) -> bool:
    """A fence that is allowed to fail, or that only looks, is none."""
    return not fence.may_fail and fence.kind not in {StepKind.CHECK, StepKind.NOTICE}


def _proves(fence: Standing, kind: str) -> bool:
    """Whether a fence gives the proof that a promotion of that kind of system asks for.

    The proof must be of the very system: only a state action of the same kind looks at it.
    """
    return not kind or fence.system_kind == kind or not fence.resolved


def _no_proof(order: Order, promotion: Standing, fence: Standing) -> None:
    """Say what would become of it: fenced, refused, and nothing writable anywhere."""
    kind, by_hand = promotion.system_kind, fence.kind is StepKind.MANUAL
    what = "a manual step" if by_hand else fence.step.uses
    own = f"{kind}.fence (at: from)"
    if fence.step.uses == "power.off":
        own = f"{kind}.fence (at: from, paths: [power])"
    order.fault(
        promotion,
        f"would be refused after the fence in step {fence.step.name}: {what} gives no proof of a "
        f"{kind} system",
        f"put {own} before it; {fence.step.name} may stand besides",
    )


def _promotion_before_redirect(order: Order) -> None:
    for redirect in order.of(Purpose.REDIRECT):
        for earlier in order.of(Purpose.PROMOTE, Purpose.RESTORE):
            _moved_in_vain(order, redirect, earlier)


def _moved_in_vain(order: Order, redirect: Standing, earlier: Standing) -> None:
    """Note how clients could be moved to what nobody has promoted or restored."""
    done = "promotion" if earlier.purpose is Purpose.PROMOTE else "restore"
    which = f"the {done} in step {earlier.step.name}"
    if not redirect.after(earlier):
        order.fault(redirect, f"moves clients before {which}", f"put it after {earlier.step.name}")
    elif earlier.may_fail:
        order.fault(
            redirect,
            f"moves clients although {which} may fail",
            f"take on_failure: continue from {earlier.step.name}; "
            "stop or ask holds the clients back",
        )
    elif not redirect.sure_of(earlier):
        order.fault(
            redirect,
            f"moves clients although {which} may be skipped",
            f"give both the same when, or {earlier.step.name} none",
        )


def _consent(order: Order) -> None:
    if consents_at_start(order.procedure):
        return
    approvals = [
        step
        for step in order.where(lambda step: step.kind is StepKind.APPROVAL)
        if step.step.when is None
    ]
    for step in order.steps:
        harmless = step.purpose in _HARMLESS or not step.one_way
        if not harmless and not any(step.after(approval) for approval in approvals):
            order.fault(
                step,
                "cannot be taken back and has no approval before it",
                "put {step: consent, approval: {of: ROLE, budget: 1m}} before it",
            )


def _nobody_between_fence_and_verify(order: Order) -> None:
    """A person who does not answer there leaves the service down on both sides."""
    fences, verifies = order.of(Purpose.FENCE), order.of(Purpose.VERIFY)
    moves = order.of(*_MOVES)
    for human in order.where(lambda step: step.human):
        fenced = [
            fence
            for fence in fences
            if fence is not human and not fence.after(human) and _matters(fence, moves)
        ]
        over = any(human.after(verify) for verify in verifies) and all(
            human.after(move) for move in moves if move is not human
        )
        if fenced and not over:
            what = "an approval" if human.kind is StepKind.APPROVAL else "a manual step"
            order.fault(
                human,
                f"is {what} between the fence in step {fenced[0].step.name} and the verification",
                "ask before the fence, or after the service was verified",
            )


def _matters(fence: Standing, moves: list[Standing]) -> bool:
    """Whether anything has to follow the fence before the service is whole again."""
    return any(move.after(fence) for move in moves)


def _no_unwinding_across(order: Order) -> None:
    for step in order.where(lambda one: one.step.on_failure is OnFailure.UNWIND):
        crossed = [
            other for other in order.of(Purpose.PROMOTE) if other is step or step.after(other)
        ]
        if crossed:
            order.fault(
                step,
                f"would unwind across the promotion in step {crossed[0].step.name}",
                "after the promotion there is only forward: on_failure: stop or ask",
                "@on_failure",
            )


def _rehearsal(order: Order) -> None:
    for step in order.of(Purpose.FENCE, Purpose.REDIRECT):
        order.fault(
            step,
            f"has the purpose {step.purpose.value}, which would reach production",
            "a rehearsal works on a copy",
        )
    for step in order.where(lambda one: (one.step.at or "").split(".")[0] in {"from", "others"}):
        order.fault(step, f"acts at {step.step.at}, which is production", "at: to", "at")
