"""Fold a run's events into what is known of it, one event at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from drtool.errors import JournalUnusable
from drtool.model.approving import ApprovalGiven, ApprovalVoided
from drtool.model.event import (
    AbortAsked,
    ConsentAsked,
    ConsentGiven,
    Event,
    Instant,
    LeaseEnded,
    LeaseTaken,
    ReportWritten,
    RunEnded,
    RunResumed,
    RunStarted,
    StatementMade,
    StepEnded,
    StepIntent,
    StepStarted,
    Warned,
    World,
)
from drtool.model.proof import Proof
from drtool.model.purpose import Outcome, Purpose
from drtool.model.steering import (
    EscalationAsked,
    RunContinued,
    RunPaused,
    StepDirected,
    UnwindAsked,
)
from drtool.progress.run_state import Consent, Gap, RunState, StepState
from drtool.progress.steered import Steered
from drtool.progress.world import world


@dataclass
class _Marks:
    """The moments that several objectives are measured from."""

    fence: Instant | None = None
    promotion: Instant | None = None
    lease_lost: str = ""


class Folder:
    """Takes events in order of their ``seq`` and says at any time what they add up to.

    One event costs the same however long the run is; ``state`` costs one pass over the steps
    and is kept until the next event.
    """

    def __init__(self) -> None:
        self.steps: dict[str, StepState] = {}
        self.consents: list[Consent] = []
        self.statements: list[StatementMade] = []
        self.warnings: list[Warned] = []
        self.gaps: list[Gap] = []
        self.marks = _Marks()
        self.start: Event | None = None
        self.lease: LeaseTaken | None = None
        self.abort: AbortAsked | None = None
        self.steered = Steered()
        self.end: Event | None = None
        self.report: ReportWritten | None = None
        self.last: Event | None = None
        self._proving: dict[str, tuple[Proof, ...]] = {}
        self._engine: RunStarted | RunResumed | None = None
        self._kept: RunState | None = None

    @property
    def started(self) -> RunStarted:
        """The run's first event; raises JournalUnusable before there is one."""
        if self.start is None or not isinstance(self.start.body, RunStarted):
            raise JournalUnusable("run", "its events do not begin with run.started")
        return self.start.body

    def apply(self, event: Event) -> None:
        """Take one event."""
        before, self._kept, self.last = self.last, None, event
        body = event.body
        match body:
            case RunStarted():
                self.start, self._engine = event, body
                self.steps = {step.name: StepState(step) for step in body.plan.steps}
            case StepStarted() | StepIntent() | StepEnded():
                self._take_step(event.at, body)
            case RunResumed():
                self.gaps.append(Gap(before.at if before else event.at, event.at))
                self._engine = body
            case ConsentAsked() | ConsentGiven():
                self._take_consent(event.at, body)
            case ApprovalGiven() | ApprovalVoided():
                self._take_approval(body)
            case RunPaused() | RunContinued() | StepDirected() | UnwindAsked() | EscalationAsked():
                self.steered.take(event.at, body)
            case _:
                self._take_rest(event, body)

    def _take_step(self, at: Instant, body: StepStarted | StepIntent | StepEnded) -> None:
        before = self.steps[body.step]
        match body:
            case StepStarted():
                changed: dict[str, Any] = {
                    "outcome": Outcome.RUNNING,
                    "attempts": body.attempt,
                    "started": before.started or at,
                    "via": body.via,
                    "via_reason": body.via_reason,
                }
            case StepIntent():
                changed = self._intent(before, at, body)
            case StepEnded():
                changed = {
                    "outcome": body.outcome,
                    "attempts": body.attempt,
                    "started": before.started or at,
                    "via": body.via,
                    "ended": at,
                    "seconds": body.seconds,
                    "seen": body.seen or before.seen,
                    "changes": body.changes or before.changes,
                    "proofs": body.proofs,
                    "reason": body.reason,
                    "hint": body.hint,
                    "answered": body.answered or before.answered,
                    "adopted": body.adopted,
                    "skipped_by": body.by,
                }
                if body.proofs or body.step in self._proving:
                    # put in place anew: other threads iterate over it while they act
                    self._proving = {**self._proving, body.step: body.proofs}
        self.steps[body.step] = replace(before, **changed)

    def _intent(self, before: StepState, at: Instant, body: StepIntent) -> dict[str, Any]:
        if body.promotes and self.marks.promotion is None:
            self.marks.promotion = at
        if before.purpose is Purpose.FENCE and self.marks.fence is None:
            self.marks.fence = at
        return {
            "intent_at": before.intent_at or at,
            "promotes": before.promotes or body.promotes,
            "seen_before": before.seen_before or body.seen,
            "seen": body.seen,
            "changes": body.changes,
        }

    def _take_consent(self, at: Instant, body: ConsentAsked | ConsentGiven) -> None:
        if isinstance(body, ConsentAsked):
            self.consents.append(Consent(body, at))
            changed = Outcome.WAITING
        else:
            for index in range(len(self.consents) - 1, -1, -1):
                asked = self.consents[index]
                if asked.asked.step == body.step and asked.given is None:
                    self.consents[index] = replace(asked, given=body, given_at=at)
                    break
            changed = Outcome.RUNNING
        if (step := self.steps.get(body.step)) is not None and not step.outcome.ended:
            self.steps[body.step] = replace(step, outcome=changed)

    def _take_approval(self, body: ApprovalGiven | ApprovalVoided) -> None:
        """One of several answers came, or counts no more; the newest question is meant."""
        for index in range(len(self.consents) - 1, -1, -1):
            asked = self.consents[index]
            if asked.asked.step != body.step:
                continue
            if isinstance(body, ApprovalGiven):
                changed = replace(asked, approvals=(*asked.approvals, body))
            elif asked.given is not None:
                changed = replace(asked, void=body.reason)
            else:
                kept = tuple(one for one in asked.approvals if one.by != body.by)
                changed = replace(asked, approvals=kept)
            self.consents[index] = changed
            return

    def _take_rest(self, event: Event, body: object) -> None:
        match body:
            case LeaseTaken():
                self.lease, self.marks.lease_lost = body, ""
            case LeaseEnded():
                self.lease, self.marks.lease_lost = None, body.reason if body.lost else ""
            case StatementMade():
                self.statements.append(body)
            case Warned():
                self.warnings.append(body)
            case AbortAsked():
                self.abort = self.abort or body
            case RunEnded():
                self.end = event
            case ReportWritten():
                self.report = body
            case _:
                pass

    def proofs(self) -> tuple[Proof, ...]:
        """All proofs so far, in the order they were given."""
        return tuple(proof for proofs in self._proving.values() for proof in proofs)

    def proving(self) -> tuple[str, ...]:
        """The steps that gave proofs."""
        return tuple(name for name, proofs in self._proving.items() if proofs)

    @property
    def state(self) -> RunState:
        """What the events add up to; raises JournalUnusable before ``run.started``."""
        if self._kept is None:
            self._kept = self._build()
        return self._kept

    def _build(self) -> RunState:
        begun = self.started
        if self.start is None or self.last is None:  # pragma: no cover - ``started`` has raised
            raise JournalUnusable("run", "it has no events")
        end = self.end.body if self.end else None
        steps = tuple(self.steps.values())
        engine = self._engine or begun
        return RunState(
            run=self.start.run,
            plan=begun.plan,
            mode=begun.mode,
            requester=begun.requester,
            host=engine.host,
            pid=engine.pid,
            process=engine.process,
            version=engine.version,
            engine=begun.engine,
            engine_note=begun.engine_note,
            started=self.start.at,
            last=self.last.at,
            seq=self.last.seq,
            outage_start=begun.outage_start,
            outage_source=begun.outage_source,
            accepted_loss=begun.accepted_loss,
            adopts=begun.adopts,
            steps=steps,
            world=self._world(steps),
            consents=tuple(self.consents),
            lease=self.lease,
            lease_lost=self.marks.lease_lost,
            statements=tuple(self.statements),
            warnings=tuple(self.warnings),
            abort=self.abort,
            pauses=tuple(self.steered.pauses),
            directed=tuple(self.steered.directed),
            unwinding=self.steered.unwinding,
            escalation=self.steered.escalation,
            escalates=begun.escalates,
            gaps=tuple(self.gaps),
            fence_began=self.marks.fence,
            promotion_began=self.marks.promotion,
            ended=end if isinstance(end, RunEnded) else None,
            ended_at=self.end.at if self.end else None,
            report=self.report,
            signed=begun.signed,
            break_glass=begun.break_glass,
        )

    def _world(self, steps: tuple[StepState, ...]) -> World:
        if self.end is not None and isinstance(self.end.body, RunEnded):
            return self.end.body.world
        return world(steps) if self.started.mode.changes_the_world else World.UNTOUCHED


def fold(events: Iterable[Event]) -> RunState:
    """What a run's events add up to; raises JournalUnusable if they do not begin a run."""
    folder = Folder()
    for event in events:
        folder.apply(event)
    return folder.state
