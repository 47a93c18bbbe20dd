"""Every state that a run can be found in: each procedure, stopped at each step in each way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from engine_bench import approval, chain, plan_of, step

from drtool.engine.ending import ending
from drtool.model.approving import ApprovalGiven, ApprovalVoided
from drtool.model.change import Change
from drtool.model.event import (
    AbortAsked,
    Body,
    ConsentAsked,
    ConsentGiven,
    Event,
    Instant,
    RunEnded,
    RunStarted,
    StepEnded,
    StepIntent,
    StepStarted,
    Via,
    Warned,
)
from drtool.model.place import Direction
from drtool.model.plan import Objectives, Plan, PlanStep
from drtool.model.proof import Proof, ProofKind
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind
from drtool.model.steering import EscalationAsked, RunPaused, UnwindAsked
from drtool.progress.run_state import RunState
from drtool.progress.state import fold
from drtool.units import Duration

BEGAN = datetime(2026, 3, 1, 3, 0, 0, 250_000, tzinfo=UTC)
RUN = "20260301-030000-ab12"
HEIR = "20260301-030100-ab13"
PAUSED = RunPaused(by="ben", reason="wait for the storage team")
BACK = UnwindAsked(by="ben", reason="the wrong week")
HANDED = EscalationAsked(by="ben", reason="the old site is dark", heir=HEIR)
UNWINDING = Warned(about="unwinding", text="taking back what was done, newest first")
BAD = (Outcome.FAILED, Outcome.REFUSED, Outcome.ABORTED, Outcome.IN_DOUBT)
_DEMOTED = (
    step("in_step", "bench.is", key="x", purpose=Purpose.ASSESS),
    step("demote", "bench.fence"),
    step("promote", "bench.promote"),
    step("redirect", "bench.redirect"),
    step("accepted", "bench.is", key="x"),
    step("follow", "bench.set", purpose=Purpose.REPROTECT),
)
STEPS: dict[Procedure, tuple[PlanStep, ...]] = {
    Procedure.FAILOVER: (
        step("loss", "bench.is", key="x", purpose=Purpose.ASSESS),
        approval("consent"),
        step("fence", "bench.fence"),
        step("promote", "bench.promote"),
        step("redirect", "bench.redirect"),
        step("accepted", "bench.is", key="x"),
        step("tell", "bench.tell", text="x"),
    ),
    Procedure.SWITCHOVER: _DEMOTED,
    Procedure.FAILBACK: _DEMOTED,
    Procedure.REPROTECT: (
        step("reinstate", "bench.set", purpose=Purpose.REPROTECT),
        step("caught_up", "bench.is", key="x", purpose=Purpose.ASSESS),
    ),
    Procedure.REHEARSAL: (
        step("restore", "bench.set", purpose=Purpose.RESTORE),
        step("promote", "bench.promote"),
        step("look", "bench.is", key="x"),
    ),
    Procedure.DRAIN: (
        step("weight", "bench.set", purpose=Purpose.DRAIN),
        step("look", "bench.is", key="x"),
    ),
    Procedure.LOSE: (
        step("capacity", "bench.is", key="x", purpose=Purpose.ASSESS),
        step("fence", "bench.fence"),
        step("redirect", "bench.redirect"),
        step("look", "bench.is", key="x"),
    ),
    Procedure.REFILL: (
        step("weight", "bench.set", purpose=Purpose.REFILL),
        step("look", "bench.is", key="x"),
    ),
}
_WAYS = {
    Procedure.FAILBACK: Direction(from_site="west", to_site="east"),
    Procedure.REHEARSAL: Direction(to_site="west"),
    Procedure.DRAIN: Direction(from_site="east"),
    Procedure.LOSE: Direction(from_site="east"),
    Procedure.REFILL: Direction(from_site="east"),
}
# as the engine and the actions word them
_REASONS = {
    Outcome.SUCCEEDED: "",
    Outcome.FAILED: "no answer within 30 s",
    Outcome.REFUSED: "the target is not the one that the plan was made for",
    Outcome.ABORTED: "the run was aborted; {left}",
    Outcome.IN_DOUBT: "the connection was lost before the answer came",
    Outcome.UNWOUND: "taken back",
    Outcome.HANDED_OVER: "the run was handed over; {left}",
    Outcome.SKIPPED: "",
}
_TEXTS = {
    "approval": "failover of orders: consent of commander",
    "consent": "failover of orders east -> west: type the service's name to begin",
    "decision": "no answer within 30 s. Retry it, skip it, or deny to stop here.",
    "manual": "Tell the customers that orders are taken again.",
}
_EFFECTS = {StepKind.ACTION, StepKind.COMMAND}


class Told:
    """A run that is told event by event, a second apart."""

    def __init__(self, procedure: Procedure, mode: Mode = Mode.LIVE, **said: Any) -> None:
        self.events: list[Event] = []
        self.steps = chain(*STEPS[procedure])
        plan = said.pop("plan", {})
        self.plan: Plan = plan_of(
            *self.steps,
            procedure=procedure,
            direction=_WAYS.get(procedure, Direction(from_site="east", to_site="west")),
            objectives=Objectives(rto=Duration(300), rpo=Duration(10), downtime=Duration(60)),
            source="/runs/books/or ders.yaml",
            inventory_source="/runs/books/inventory.yaml",
            parameters={"pace": 2, "quick": True, "only": ["a", "b"]},
            **plan,
        )
        unplanned = procedure.unplanned
        self.tell(
            RunStarted(
                plan=self.plan, mode=mode, requester="ann", host="h", pid=1, version="0",
                engine="direct", outage_start=BEGAN - timedelta(seconds=60) if unplanned else None,
                **said,
            )
        )  # fmt: skip

    def tell(self, *bodies: Body) -> Told:
        for body in bodies:
            second = len(self.events)
            at = Instant(wall=BEGAN + timedelta(seconds=second), monotonic=second, boot="b")
            self.events.append(Event(run=RUN, seq=second + 1, at=at, body=body))
        return self

    def begin(self, one: PlanStep) -> Told:
        """A step is under way, its effect too where it has one."""
        self.tell(StepStarted(step=one.name, via=Via.DIRECT))
        if one.kind in _EFFECTS:
            change = Change(subject=one.name, before="no", after="yes")
            promotes = one.purpose is Purpose.PROMOTE
            self.tell(StepIntent(step=one.name, seen={}, changes=(change,), promotes=promotes))
        return self

    def end(self, one: PlanStep, outcome: Outcome = Outcome.SUCCEEDED, **said: Any) -> Told:
        if one.purpose is Purpose.FENCE and outcome is Outcome.SUCCEEDED:
            said.setdefault("proofs", (proof(),))
        body = self.events[-1].body
        begun = isinstance(body, StepIntent) and body.step == one.name
        left = "its effect may be there" if begun else "nothing was changed"
        said.setdefault("reason", _REASONS[outcome].format(left=left))
        return self.tell(StepEnded(step=one.name, outcome=outcome, via=Via.DIRECT, **said))

    def through(self, count: int) -> Told:
        """The first steps have ended well."""
        for one in self.steps[:count]:
            self.begin(one).end(one)
        return self

    def rest(self, begin: int) -> Told:
        """The steps from one on have ended well."""
        for one in self.steps[begin:]:
            self.begin(one).end(one)
        return self

    def over(self, *, unwound: bool = False) -> RunState:
        """The run has ended as the engine ends it."""
        return fold(self.tell(ending(fold(self.events), unwound=unwound)).events)

    @property
    def state(self) -> RunState:
        return fold(self.events)


def proof(kind: ProofKind = ProofKind.PROCESSES) -> Proof:
    return Proof(
        kind=kind, subject="east.orders_db", identity="7412", evidence="none left", at=BEGAN,
        max_age=Duration(60), durable=True,
    )  # fmt: skip


Found = tuple[str, RunState, bool | None]


def found() -> Iterator[Found]:
    """Every state, with a name and whether the run's engine is alive."""
    for procedure in Procedure:
        for mode in (Mode.LIVE, Mode.DRILL):
            for name, state, alive in _of(procedure, mode):
                yield f"{procedure.value}-{mode.value}-{name}", state, alive
        for mode in (Mode.DRY_RUN, Mode.TABLETOP):
            for name, state, alive in _looks(procedure, mode):
                yield f"{procedure.value}-{mode.value}-{name}", state, alive
    for name, state in approving():
        yield name, state, True


def approving() -> Iterator[tuple[str, RunState]]:
    """A failover that two people must approve, and what becomes of that."""
    for name in ("one-of-two", "one-of-two-void", "glass-broken", "revoked"):
        told = Told(Procedure.FAILOVER).through(1)
        two = _asked("consent", "approval").model_copy(update={"needs": 2})
        told.tell(StepStarted(step="consent", via=Via.DIRECT), two)
        alone = name == "glass-broken"
        why = "nobody else is awake" if alone else ""
        told.tell(
            ApprovalGiven(
                step="consent",
                decision="approved",
                by="ben",
                needs=2,
                break_glass=alone,
                reason=why,
            )
        )
        if name == "one-of-two-void":
            told.tell(_void("consent", "ben"))
        elif name != "one-of-two":
            other = ApprovalGiven(step="consent", decision="approved", by="cem", number=2, needs=2)
            given = ConsentGiven(step="consent", decision="approved", by="ben", break_glass=alone)
            told.tell(*(() if alone else (other,)), given)
            told.end(told.steps[1], reason=f"approved by ben{'' if alone else ' and cem'}")
        if name == "revoked":
            again = two.model_copy(update={"step": "fence", "instead_of": "consent"})
            told.tell(StepStarted(step="fence", via=Via.DIRECT), _void("consent", "ben"), again)
        yield name, told.state


def _void(step: str, by: str) -> ApprovalVoided:
    why = f"key SHA256:47DEQpj8 is not one of {by} in the inventory any more"
    return ApprovalVoided(step=step, by=by, reason=why)


def _of(procedure: Procedure, mode: Mode) -> Iterator[Found]:
    steps = chain(*STEPS[procedure])
    yield "succeeded", Told(procedure, mode).through(len(steps)).over(), False
    for count, one in enumerate(steps):
        begun = Told(procedure, mode).through(count)
        yield f"before-{one.name}", begun.state, True
        yield f"interrupted-before-{one.name}", begun.state, False
        yield f"aborted-before-{one.name}", begun.tell(AbortAsked(by="ben")).over(), False
        for alive in (True, False, None):
            at = Told(procedure, mode).through(count).begin(one)
            yield f"at-{one.name}-{alive}", at.state, alive
            yield f"aborting-at-{one.name}-{alive}", at.tell(AbortAsked(by="ben")).state, alive
        for outcome in BAD:
            told = Told(procedure, mode).through(count).begin(one).end(one, outcome)
            yield f"{outcome.value}-{one.name}", told.over(), False
        guarded = Told(procedure, mode).through(count)
        guarded.tell(StepStarted(step=one.name, via=Via.DIRECT)).end(one, Outcome.REFUSED)
        yield f"guarded-{one.name}", guarded.over(), False
        for what in ("approval", "manual", "decision"):
            asking = Told(procedure, mode).through(count)
            asking.tell(StepStarted(step=one.name, via=Via.DIRECT), _asked(one.name, what))
            yield f"asks-{what}-{one.name}", asking.state, True
    yield "asks-start", Told(procedure, mode).tell(_asked("start", "consent")).state, True
    yield from _steered(procedure, mode)


def _steered(procedure: Procedure, mode: Mode) -> Iterator[Found]:
    """What people make of a run at each of its steps."""
    for count, one in enumerate(chain(*STEPS[procedure])):
        for alive in (True, False):
            paused = Told(procedure, mode).through(count).tell(PAUSED)
            yield f"paused-before-{one.name}-{alive}", paused.state, alive
            at = Told(procedure, mode).through(count).begin(one).tell(PAUSED)
            yield f"paused-at-{one.name}-{alive}", at.state, alive
        asking = Told(procedure, mode).through(count).tell(PAUSED)
        asking.tell(StepStarted(step=one.name, via=Via.DIRECT), _asked(one.name, "decision"))
        yield f"paused-asks-{one.name}", asking.state, True
        if one.purpose not in {Purpose.FENCE, Purpose.PROMOTE}:
            left = Told(procedure, mode).through(count)
            left.end(one, Outcome.SKIPPED, by="ben", reason="left out by ben: it is known")
            yield f"left-out-{one.name}", left.rest(count + 1).over(), False
        if Purpose.PROMOTE in {each.purpose for each in left_behind(procedure, count)}:
            continue
        for alive in (True, False):
            back = Told(procedure, mode).through(count).tell(BACK)
            yield f"unwinding-before-{one.name}-{alive}", back.state, alive
            cut = Told(procedure, mode).through(count).tell(BACK, UNWINDING)
            for done in reversed(left_behind(procedure, count)[-1:]):
                cut.end(done, Outcome.UNWOUND, reason="taken back")
            yield f"unwinding-cut-off-before-{one.name}-{alive}", cut.state, alive
        if procedure in {Procedure.SWITCHOVER, Procedure.FAILBACK}:
            yield from _handed(procedure, mode, count)


def left_behind(procedure: Procedure, count: int) -> tuple[PlanStep, ...]:
    """The steps before one."""
    return STEPS[procedure][:count]


def _handed(procedure: Procedure, mode: Mode, count: int) -> Iterator[Found]:
    one = chain(*STEPS[procedure])[count]
    for alive in (True, False):
        asked = Told(procedure, mode).through(count).tell(HANDED)
        yield f"handing-over-before-{one.name}-{alive}", asked.state, alive
    over = Told(procedure, mode).through(count).tell(HANDED)
    yield f"handed-over-before-{one.name}", over.over(), False
    if one.purpose is not Purpose.PROMOTE:
        at = Told(procedure, mode).through(count).begin(one).tell(HANDED)
        yield f"handed-over-at-{one.name}", at.end(one, Outcome.HANDED_OVER).over(), False


def _looks(procedure: Procedure, mode: Mode) -> Iterator[Found]:
    for outcome in (Outcome.SUCCEEDED, Outcome.REFUSED):
        told = Told(procedure, mode)
        for one in told.steps:
            last = outcome if one is told.steps[-1] else Outcome.SKIPPED
            changes = (Change(subject=one.name, before="no", after="yes"),)
            told.end(one, last, changes=changes, reason="would change")
        yield outcome.value, told.over(), False
    yield "under-way", Told(procedure, mode).state, True
    yield "interrupted", Told(procedure, mode).state, False


def _asked(name: str, what: str) -> ConsentAsked:
    """As the engine asks: a decision and work by hand show no changes."""
    shown = what in {"approval", "consent"}
    change = Change(subject="postgresql east", before="running", after="stopped")
    return ConsentAsked.model_validate({
        "step": name, "what": what, "of": "commander" if what == "approval" else "",
        "text": _TEXTS[what], "changes": (change,) if shown else (),
        "expires": BEGAN + timedelta(seconds=90),
    })  # fmt: skip


def with_end(procedure: Procedure, end: RunEnded) -> RunState:
    """A run of which only the end is told."""
    return fold(Told(procedure).tell(end).events)
