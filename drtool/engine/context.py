"""What the parts of a run share: its ports, its record, and whether it goes on."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from queue import SimpleQueue

from drtool.action import Facts, Hands, Look
from drtool.engine.cover import approvals_over
from drtool.engine.desk import Desk
from drtool.engine.filling import RunTemplates
from drtool.engine.ports import Heir, Ports
from drtool.engine.quorum import Quorum
from drtool.engine.recorder import Recorder
from drtool.errors import DrtoolError
from drtool.model.change import Change
from drtool.model.event import Request, RunStarted
from drtool.model.plan import Plan, PlanStep
from drtool.progress.run_state import Consent


class Phase(Enum):
    """Whether a run goes on."""

    GOING = "going"
    ABORTING = "aborting"
    UNWINDING = "unwinding"
    HANDING_OVER = "handing over"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class StepOver:
    """A step's work came to its end; how stands in the record."""

    step: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The start's consent was answered; ``refused`` is why the run must not begin, or ""."""

    refused: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody else asks for an abort: the executor's server."""

    by: str


@dataclass(frozen=True, slots=True)
class Signalled:
    """The process was sent a signal."""

    number: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The run cannot go on: the journal cannot be written, or the engine itself is at fault."""

    error: Exception


@dataclass(frozen=True, slots=True)
class HeirReady:
    """A failover stands ready to take the run over, or ``refusal`` says why there is none."""

    request: Request
    heir: Heir | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Wake:
    """Look around: something that the scheduler polls has begun."""


Input = StepOver | Answered | Cancelled | Signalled | Broken | HeirReady | Wake
Inbox = SimpleQueue[Input]


class RunContext:
    """Shared by the scheduler's thread and by the steps' threads.

    ``phase`` is written by the scheduler alone. ``tainted`` are, in a dry-run, the steps that
    would change something or come after one that would.
    """

    def __init__(self, begun: RunStarted, facts: Facts, ports: Ports, recorder: Recorder) -> None:
        self.plan: Plan = begun.plan
        self.mode, self.requester = begun.mode, begun.requester
        self.ports, self.recorder = ports, recorder
        self.limits, self.clock = ports.limits, ports.clock
        self.templates = RunTemplates(begun.plan)
        self.inbox: Inbox = SimpleQueue()
        self.quorum = Quorum(recorder.run, begun, ports.inventory_now)
        self.desk = Desk(self.plan.service, self.quorum)
        self.phase = Phase.GOING
        self.resumed = False
        self.lease_lost = ""
        self.heir: Heir | None = ports.heir
        self.tainted: set[str] = set()
        self.renewing = threading.Lock()
        self._facts = facts
        self._approvals = approvals_over(begun.plan)

    def facts(self, step: PlanStep, attempt: int = 1, seconds_left: float | None = None) -> Facts:
        """What the run knows at this moment, for one step."""
        lease = self.ports.lease
        return self._facts.model_copy(
            update={
                "step": step.name,
                "attempt": attempt,
                "seconds_left": seconds_left,
                "at": step.place,
                "proofs": self.recorder.proofs,
                "statement": self.recorder.statement(step.name),
                "lease_token": lease.token if lease else "",
            }
        )

    def look(self, facts: Facts) -> Look:
        """The means to read."""
        return self.ports.look(facts)

    def hands(self, facts: Facts) -> Hands:
        """The means to change; raises DrtoolError where the mode gives none."""
        if self.ports.hands is None or not self.mode.changes_the_world:
            raise DrtoolError(f"mode {self.mode.value}", "nothing can be changed in it")
        return self.ports.hands(facts)

    def check_lease(self) -> None:
        """Raises LeaseHeld when the right to act was lost."""
        if self.ports.lease is not None:
            self.ports.lease.check()

    def lease_was_held(self) -> None:
        """Raises LeaseHeld when the right to act was lost; an answer of the last second counts.

        For what is asked again by ``check_lease`` before anything is changed.
        """
        if self.ports.lease is not None:
            self.ports.lease()

    def shown_to_consenters(self, step: PlanStep) -> tuple[Change, ...] | None:
        """The changes that people approved upstream of a step; None when none was asked."""
        over = (*self._approvals[step.name], step.name)
        asked = self.consents_of(*over)
        if not asked and len(over) == 1:
            return None
        return tuple(
            change for consent in asked if self._holds(consent) for change in consent.asked.changes
        )

    def consents_of(self, *names: str) -> tuple[Consent, ...]:
        """The consents and approvals asked at steps, or anew in their stead."""
        return tuple(
            consent
            for consent in self.recorder.consents
            if (consent.asked.step in names or consent.asked.instead_of in names)
            and consent.asked.what in {"consent", "approval"}
        )

    def approvals_over(self, step: PlanStep) -> tuple[str, ...]:
        """The approvals upstream of a step; ``start`` where the plan asks at its start."""
        return self._approvals[step.name]

    def asked_of(self, step: PlanStep, what: str, instead_of: str = "") -> tuple[str, int]:
        """Whom a question at a step is put to, and how many of them must agree.

        What was not shown before, or is void, goes to those who approved upstream.
        """
        if what == "manual":
            return step.owner or "", 1
        asked = step.approval
        upstream = (instead_of,) if instead_of else self._approvals[step.name]
        if asked is None and what == "approval" and upstream and upstream[-1] != "start":
            asked = self.plan.step(upstream[-1]).approval
        if asked is None:
            return "", 1
        return asked.of, self.plan.inventory.needed(asked.of, asked.count)

    def _holds(self, consent: Consent) -> bool:
        """Whether it was given, or the runbook says to go on when nobody answers."""
        if consent.given is None or consent.void:
            return False
        asked = self.recorder.steps.get(consent.asked.step)
        return consent.given.decision == "approved" or (
            consent.given.decision == "expired" and asked is not None and asked.ended_well
        )
