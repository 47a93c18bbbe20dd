"""What is known of a run: the frozen values that the fold gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drtool.model.approving import ApprovalGiven
from drtool.model.change import Change
from drtool.model.event import (
    AbortAsked,
    ConsentAsked,
    ConsentGiven,
    Instant,
    LeaseTaken,
    ReportWritten,
    RunEnded,
    StatementMade,
    Via,
    Warned,
    World,
)
from drtool.model.plan import Plan, PlanStep
from drtool.model.proof import AcceptedLoss, Proof
from drtool.model.purpose import Mode, OnFailure, Outcome, Purpose, StepKind
from drtool.model.signed import Signed
from drtool.model.steering import (
    EscalationAsked,
    RunContinued,
    RunPaused,
    StepDirected,
    UnwindAsked,
)
from drtool.model.value import Fields


@dataclass(frozen=True, slots=True)
class StepState:
    """How one step stands.

    ``started`` is its first attempt's moment. ``intent_at`` is set once it was about to change
    something, with what it had seen before its first effect in ``seen_before``. ``skipped_by`` is
    the person who had it left out.
    """

    plan: PlanStep
    outcome: Outcome = Outcome.PENDING
    attempts: int = 0
    via: Via | None = None
    via_reason: str = ""
    started: Instant | None = None
    intent_at: Instant | None = None
    promotes: bool = False
    seen_before: Fields | None = None
    ended: Instant | None = None
    seconds: float = 0.0
    seen: Fields | None = None
    changes: tuple[Change, ...] = ()
    proofs: tuple[Proof, ...] = ()
    answered: Instant | None = None
    adopted: bool = False
    reason: str = ""
    hint: str = ""
    skipped_by: str = ""

    @property
    def name(self) -> str:
        """The step's name."""
        return self.plan.name

    @property
    def purpose(self) -> Purpose:
        """What the step is for."""
        return self.plan.purpose

    @property
    def ended_well(self) -> bool:
        """Whether steps that need this one may start."""
        if self.outcome in {Outcome.SUCCEEDED, Outcome.SKIPPED}:
            return True
        return self.outcome is Outcome.FAILED and self.forgiven

    @property
    def forgiven(self) -> bool:
        """Whether the run goes on although this step did not end well.

        ``on_failure: continue`` forgives a failure, not a doubt, a refusal or an abort.
        """
        failed = self.outcome is Outcome.FAILED
        return self.plan.kind is StepKind.NOTICE or (
            failed and self.plan.on_failure is OnFailure.CONTINUE
        )

    @property
    def verifies_by_effect(self) -> bool:
        """Whether it shows that the service is back by writing to it, not by a look."""
        effects = {StepKind.ACTION, StepKind.COMMAND}
        return self.purpose is Purpose.VERIFY and self.plan.kind in effects

    @property
    def mid_effect(self) -> bool:
        """Whether an effect may have begun whose outcome nobody has written."""
        return self.intent_at is not None and not self.outcome.ended


@dataclass(frozen=True, slots=True)
class Consent:
    """A question to a person, and the answer once there is one.

    ``approvals`` are the single answers of several people, or the signed one of one. ``void`` is
    why the answer does not count any more, or "".
    """

    asked: ConsentAsked
    asked_at: Instant
    given: ConsentGiven | None = None
    given_at: Instant | None = None
    approvals: tuple[ApprovalGiven, ...] = ()
    void: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which nothing more was begun, because somebody said so."""

    asked: RunPaused
    began: Instant
    over: RunContinued | None = None
    over_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without an engine: from the last word of one to the first of that which resumed."""

    began: Instant
    over: Instant


@dataclass(frozen=True, slots=True)
class Directed:
    """What a person asked of one step, and when."""

    asked: StepDirected
    at: Instant


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything that a run's events say, folded up."""

    run: str
    plan: Plan
    mode: Mode
    requester: str
    host: str
    pid: int
    process: str
    version: str
    engine: str
    engine_note: str
    started: Instant
    last: Instant
    seq: int
    outage_start: datetime | None
    outage_source: str
    accepted_loss: AcceptedLoss | None
    adopts: str | None
    steps: tuple[StepState, ...]
    world: World
    consents: tuple[Consent, ...] = ()
    lease: LeaseTaken | None = None
    lease_lost: str = ""
    statements: tuple[StatementMade, ...] = ()
    warnings: tuple[Warned, ...] = ()
    abort: AbortAsked | None = None
    pauses: tuple[Pause, ...] = ()
    directed: tuple[Directed, ...] = ()
    unwinding: UnwindAsked | None = None
    escalation: EscalationAsked | None = None
    escalates: str | None = None
    gaps: tuple[Gap, ...] = ()
    fence_began: Instant | None = None
    promotion_began: Instant | None = None
    ended: RunEnded | None = None
    ended_at: Instant | None = None
    report: ReportWritten | None = None
    signed: Signed | None = None
    break_glass: str = ""

    def step(self, name: str) -> StepState:
        """The step of that name; KeyError if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def effects(self, purpose: Purpose) -> list[StepState]:
        """The steps for a purpose that do more than look."""
        return [
            step
            for step in self.steps
            if step.purpose is purpose and step.plan.kind is not StepKind.CHECK
        ]

    @property
    def takeover(self) -> list[StepState]:
        """The steps that make the other site able to serve: promotions, else restores."""
        return self.effects(Purpose.PROMOTE) or self.effects(Purpose.RESTORE)

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """All proofs so far, in the order of the plan."""
        return tuple(proof for step in self.steps for proof in step.proofs)

    @property
    def requester_name(self) -> str:
        """The person who began the run, as the inventory names them; else who it says."""
        return self.signed.by if self.signed else self.requester

    @property
    def glass_broken(self) -> tuple[str, ...]:
        """Each time that somebody put the rules of who may aside: who, where and why."""
        start = (
            (f"{self.requester}, to begin the run: {self.break_glass}",) if self.break_glass else ()
        )
        each = (
            f"{one.by}, to approve {one.step}: {one.reason}"
            for consent in self.consents
            for one in consent.approvals
            if one.break_glass
        )
        whole = (
            f"{consent.given.by}, to approve {consent.asked.step}: {consent.given.reason}"
            for consent in self.consents
            if consent.given and consent.given.break_glass and not consent.approvals
        )
        return (*start, *each, *whole)

    @property
    def waiting_for(self) -> tuple[Consent, ...]:
        """The questions that nobody has answered."""
        return tuple(consent for consent in self.consents if consent.given is None)

    @property
    def paused(self) -> Pause | None:
        """The pause that goes on, if there is one."""
        last = self.pauses[-1] if self.pauses else None
        return last if last is not None and last.over is None and self.ended is None else None

    def left_out(self, name: str) -> StepDirected | None:
        """Who wants a step left out, when its turn comes at the latest."""
        skips = (one.asked for one in self.directed if one.asked.verb == "skip")
        return next((one for one in skips if one.step == name), None)

    @property
    def past_no_return(self) -> bool:
        """Whether the intent of a promotion was written."""
        return self.promotion_began is not None

    @property
    def world_if_stopped(self) -> World:
        """The state of the world if the engine is gone: an effect without outcome is in doubt."""
        if any(step.mid_effect for step in self.steps):
            return World.IN_DOUBT
        return self.world
