"""What a report says: one value, from which HTML, JSON and tables are made."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from drtool.model.change import Change
from drtool.model.event import Via, World
from drtool.model.proof import AcceptedLoss, Proof
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind, Strategy
from drtool.model.signed import Evidence
from drtool.model.value import Value
from drtool.model.verdict import Judgement, Verdict
from drtool.units import Duration, seconds_text


class ObjectiveLine(Verdict):
    """One objective: what was promised, what was measured, and the judgement."""

    name: str
    judgement: Judgement

    @property
    def limit_text(self) -> str:
        """The objective as people read it."""
        return f"objective {self.limit}" if self.limit is not None else "no objective set"


class PartLine(Value):
    """One part of the recovery time; ``seconds`` is None where it was not measured."""

    name: Literal[
        "detection", "decision", "interruption", "execution", "convergence", "verification"
    ]
    meaning: str
    seconds: float | None

    @property
    def text(self) -> str:
        """The part as people read it."""
        return "not measured" if self.seconds is None else seconds_text(self.seconds)


class SeenField(Value):
    """One field of what a step saw."""

    name: str
    text: str


class StepLine(Value):
    """One step: when, how long, against which budget, through what, and what came of it.

    ``begins_seconds`` counts from the run's start. ``changes_are`` says how the changes are to
    be read: made, only meant, or what a dry-run would make.
    """

    name: str
    kind: StepKind
    action: str
    purpose: Purpose
    place: str
    outcome: Outcome
    attempts: int
    begins_seconds: float | None
    seconds: float | None
    budget: Duration | None
    critical: bool
    via: Via | None
    via_reason: str
    adopted: bool
    answered_seconds: float | None
    seen: tuple[SeenField, ...]
    changes: tuple[Change, ...]
    changes_are: Literal["changed", "would change", "was about to change"]
    reason: str
    hint: str
    source: str
    skipped_by: str = ""

    @property
    def over_budget(self) -> bool:
        """Whether it took longer than it was meant to."""
        return (
            self.budget is not None
            and self.seconds is not None
            and self.seconds > self.budget.seconds
        )

    @property
    def time_text(self) -> str:
        """How long it took, as people read it."""
        return "" if self.seconds is None else seconds_text(self.seconds)


class ApprovalLine(Value):
    """One person's answer; ``fingerprint`` is the key's that signed it, "" where nobody has one.

    ``message`` and ``signature`` are what ``ssh-keygen -Y verify`` is given.
    """

    by: str
    decision: str
    fingerprint: str = ""
    self_consented: bool = False
    break_glass: bool = False
    reason: str = ""
    key: str = ""
    message: str = ""
    signature: str = ""


class ConsentLine(Value):
    """A question to people, and the answer; ``decision`` is empty while there is none.

    ``needs`` of them had to approve. ``void`` is why the answer counts no more, or "".
    """

    step: str
    what: str
    of: str
    text: str
    asked: datetime
    asked_seconds: float
    waited_seconds: float
    decision: Literal["approved", "denied", "expired", "skipped", ""]
    by: str
    self_consented: bool
    reason: str
    needs: int = 1
    approvals: tuple[ApprovalLine, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    break_glass: bool = False
    void: str = ""


class SteeredLine(Value):
    """What a person asked of the run in its course, as pause or skip; ``step`` may be empty."""

    verb: str
    step: str
    by: str
    reason: str
    at: datetime
    text: str


class StatementLine(Value):
    """A person's word that a system is fenced; it proves nothing."""

    step: str
    by: str
    reason: str
    at: datetime


class ProofLine(Value):
    """A proof, and the step that gave it; a person's statement is none."""

    step: str
    proof: Proof


class WarningLine(Value):
    """What a person was told in the middle of the run."""

    about: str
    text: str
    at: datetime


class NextLine(Value):
    """Something to do now, with what to type where a command does it."""

    text: str
    command: str = ""


class LogLine(Value):
    """One event as a sentence."""

    seq: int
    at: datetime
    text: str


class JournalHead(Value):
    """Number and hash of the journal's last entry when the report was made."""

    seq: int
    sha256: str


class Report(Value):
    """The after-action report of one run.

    ``outcome``, ``exit_code``, ``ended`` are None for a run that has not ended. ``unprotected``
    says that the service has nowhere left to go until reprotect has run. ``executed`` is False
    for modes in which nothing can be changed. ``escalates`` is the planned run that handed over to
    this one, ``heir`` the failover that took this one over.
    """

    format: Literal["drtool-report 1"] = "drtool-report 1"
    run: str
    title: str
    service: str
    runbook: str
    strategy: Strategy | None
    procedure: Procedure
    mode: Mode
    executed: bool
    from_site: str | None
    to_site: str | None
    requester: str
    host: str
    version: str
    engine: str
    engine_note: str
    adopts: str | None
    escalates: str | None = None
    heir: str = ""
    started: datetime
    ended: datetime | None
    seconds: float
    expected: Duration
    resumed: tuple[datetime, ...]
    outcome: Outcome | None
    exit_code: int | None
    reason: str
    hint: str
    world: World
    world_text: str
    unprotected: bool
    paragraph: str
    outage_start: datetime | None
    outage_source: str
    recovery_seconds: float | None
    answered_seconds: float | None
    no_return_seconds: float | None
    objectives: tuple[ObjectiveLine, ...]
    parts: tuple[PartLine, ...]
    steps: tuple[StepLine, ...]
    consents: tuple[ConsentLine, ...]
    proofs: tuple[ProofLine, ...]
    steered: tuple[SteeredLine, ...] = ()
    statements: tuple[StatementLine, ...]
    accepted_loss: AcceptedLoss | None
    warnings: tuple[WarningLine, ...]
    plan_warnings: tuple[str, ...]
    abort: str
    arbiter: str
    token: str
    next: tuple[NextLine, ...]
    log: tuple[LogLine, ...]
    plan_digest: str
    plan_source: str
    started_by: ApprovalLine | None = None
    break_glass: tuple[str, ...] = ()
    verify: str = ""
    journal: JournalHead | None = None
