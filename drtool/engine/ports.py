"""What the engine needs of the world around it; bootstrap fills these."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drtool.action import Entry, Facts, Hands, Look
from drtool.clock import Clock
from drtool.model.event import Body, Event, ReportWritten, Request, RunEnded, Via, Warned
from drtool.model.inventory import Inventory
from drtool.model.plan import Plan, PlanStep
from drtool.model.proof import AcceptedLoss, Statement
from drtool.model.purpose import Mode, Outcome
from drtool.model.signals import Allowance
from drtool.model.signed import Signed
from drtool.model.steering import EscalationAsked
from drtool.redact import Redactor

Work = Callable[[Via, str], Outcome | None]
"""Runs one step, whatever carries it; tells how the step ended, None when the engine left it."""


class Executor(Protocol):
    """Carries steps; whatever happens to it, each step's work is called exactly once."""

    name: str

    def start(self, plan: Plan, run: str, on_cancel: Callable[[], None]) -> None:
        """Begin to carry a run; must return at once. ``on_cancel`` asks the engine to abort."""

    def ready(self) -> None:
        """Wait until steps can be carried, for three seconds at most.

        Called before a planned procedure asks for its consent, while nobody waits for it.
        """

    def submit(self, step: PlanStep, work: Work) -> None:
        """Have ``work(via, reason)`` called on a thread, once; must return at once."""

    def finish(self, ended: RunEnded, report: str) -> str:
        """Flush records for at most five seconds; what was not recorded, as a sentence or ""."""


class Listener(Protocol):
    """Follows the events of a run; nothing that it does can stop or delay the run."""

    def hear(self, event: Event) -> None:
        """Take note of one event; must return at once."""

    def account(self, seconds: float) -> tuple[str, ...]:
        """What it could not pass on of all it heard, as sentences; waits that long at most."""


class JournalPort(Protocol):
    """The part of the journal that a run needs; see ``drtool.journal``."""

    def append(self, run: str, *bodies: Body, after: int | None = None) -> tuple[Event, ...]:
        """Write events, all or none, durable when it returns; raises JournalUnusable.

        It raises, too, when ``after`` is not the run's last event: somebody else writes it.
        """

    def pending(self, run: str) -> list[Request]:
        """What other terminals have asked of a run, oldest first."""

    def settle(self, request_id: int) -> None:
        """Note that a request was dealt with."""


class LeasePort(Protocol):
    """The right to act on a service; see ``drtool.lease``."""

    @property
    def token(self) -> str:
        """The fencing token."""

    @property
    def holder(self) -> str:
        """Who holds it, as others are told."""

    @property
    def arbiter(self) -> str:
        """Where it is kept."""

    def check(self) -> None:
        """Raises LeaseHeld when it was lost."""

    def __call__(self) -> None:
        """Raises LeaseHeld when it was lost; an answer of the last second counts."""

    def release(self) -> None:
        """Give it back."""


class Heir(Protocol):
    """A failover that stands ready to take a planned run over, its lease too.

    ``asked`` says who wants it, which run it will be, and since when the service is away.
    """

    asked: EscalationAsked

    def begin(self) -> None:
        """Write its start; from here on it is resumed like any other run."""

    def carry(self) -> int:
        """Run it to its end; its exit code."""

    def dismiss(self) -> None:
        """Let go of all that was made ready: the run was not handed over."""


class Entries(Protocol):
    """Names of actions to their classes; see ``drtool.catalog``."""

    def get(self, name: str) -> type[Entry]:
        """The class behind a name; raises BadInput when there is none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the engine waits, in seconds; tests make them short.

    ``grace`` is what a step that hangs in a call gets beyond its deadline. ``unclaimed`` is how
    long an executor may take to start a step before the engine starts it itself. ``settle`` is
    how long an effect may take to show before it is applied again. ``stuck`` is how long a step
    may get no further before that is told: a server that is started anew is gone for less.
    ``consent`` is how long the start's own consent is waited for. ``preview`` bounds the look
    before a consent is asked. ``listeners`` is how long they may go on after the run's end,
    ``ending`` how long all that comes after it may take together.
    """

    tick: float = 0.1
    consent_tick: float = 0.01
    grace: float = 2.5
    unclaimed: float = 2.0
    settle: float = 1.0
    stuck: float = 5.0
    consent: float = 3600.0
    preview: float = 2.0
    listeners: float = 2.0
    ending: float = 5.0
    parallel: int = 32


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a run reaches beyond its own values.

    ``hands`` is None in dry-run and tabletop: nothing there can change the world. ``report``
    writes the report of an ended run, named by its id. ``pulse`` leaves signs of life of the
    engine of a run while it is entered. ``ready_heir`` makes a failover ready for
    an escalation, and raises DrtoolError when there can be none; ``heir`` is one that was made
    ready before the engine was. ``inventory_now`` is the inventory as its file is today, None
    where that cannot be read.
    """

    journal: JournalPort
    executor: Executor
    entries: Entries
    look: Callable[[Facts], Look]
    clock: Clock
    redactor: Redactor
    hands: Callable[[Facts], Hands] | None = None
    lease: LeasePort | None = None
    listeners: tuple[Listener, ...] = ()
    report: Callable[[str], ReportWritten] | None = None
    pulse: Callable[[str], AbstractContextManager[object]] | None = None
    ready_heir: Callable[[Request], Heir] | None = None
    heir: Heir | None = None
    inventory_now: Callable[[], Inventory | None] | None = None
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a new run is told: the plan, the mode, who asks, what is known of the outage.

    ``statement`` is a person's word, given beforehand, that the old primary is fenced.
    ``adopts`` is the id of a run that this one takes over from a lost machine, ``escalates`` that
    of a planned run that hands over to it. ``taken_over`` says who took the lease by force, from
    whom and why. ``signed``, ``break_glass`` and ``automatic`` are as in run.started; ``warned`` is
    what whoever started it was told.
    """

    run: str
    plan: Plan
    mode: Mode
    requester: str
    engine_note: str = ""
    outage_start: datetime | None = None
    outage_source: str = "not measured"
    accepted_loss: AcceptedLoss | None = None
    statement: Statement | None = None
    adopts: str | None = None
    taken_over: str = ""
    escalates: str | None = None
    signed: Signed | None = None
    break_glass: str = ""
    automatic: Allowance | None = None
    warned: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True)
class Resumption:
    """What an engine is told that takes up a run: its events so far, who asks, what has drifted.

    ``asked`` is what a person asks of it besides: to take it back, or to hand it over.
    """

    events: tuple[Event, ...]
    by: str
    drift: str = ""
    asked: tuple[Body, ...] = ()
