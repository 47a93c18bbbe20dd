"""The entries of a run's journal; every state, screen and report is folded from them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from drtool.clock import Clock, seconds_passed
from drtool.model.approving import ApprovalGiven, ApprovalVoided
from drtool.model.change import Change
from drtool.model.plan import Plan
from drtool.model.proof import AcceptedLoss, Proof, Statement
from drtool.model.purpose import Mode, Outcome
from drtool.model.signals import Allowance
from drtool.model.signed import Evidence, Signed
from drtool.model.steering import Course, StepDirected, Verb
from drtool.model.value import Fields, Value
from drtool.model.verdict import Verdict
from drtool.units import Duration


class Via(Enum):
    """What carried a step: a Prefect task, or the engine itself."""

    PREFECT = "prefect"
    DIRECT = "direct"


class Instant(Value):
    """A moment: wall time for people, monotonic seconds within one boot for durations.

    The seconds count what the machine slept: an outage goes on meanwhile. Only a pulse, and the
    moment at which it is judged, leave that out.
    """

    wall: datetime
    monotonic: float
    boot: str

    @classmethod
    def now(cls, clock: Clock) -> Self:
        """This moment."""
        return cls(wall=clock.wall(), monotonic=seconds_passed(clock), boot=clock.boot_id())


class World(Enum):
    """The named state in which a run can leave the world."""

    UNTOUCHED = "untouched"
    PREPARED = "prepared"
    FENCED = "fenced, nothing writable"
    PROMOTED = "promoted, not redirected"
    REDIRECTED = "redirected, not verified"
    RECOVERED = "recovered"
    IN_DOUBT = "in doubt"


class RunStarted(Value):
    """A run began, with everything that it will be judged by.

    ``process`` tells the engine from a later process with its ``pid``; old journals lack it.
    ``escalates`` is the planned run that handed over to this one. ``signed`` proves who asked for
    it; ``break_glass`` is the reason for which somebody was let start it who otherwise may not.
    ``automatic`` is what let it begin although nobody typed it.
    """

    kind: Literal["run.started"] = "run.started"
    plan: Plan
    mode: Mode
    requester: str
    host: str
    pid: int
    process: str = ""
    version: str
    engine: str
    engine_note: str = ""
    outage_start: datetime | None = None
    outage_source: str = "not measured"
    accepted_loss: AcceptedLoss | None = None
    adopts: str | None = None
    escalates: str | None = None
    signed: Signed | None = None
    break_glass: str = ""
    automatic: Allowance | None = None


class RunResumed(Value):
    """An engine took up an interrupted run."""

    kind: Literal["run.resumed"] = "run.resumed"
    by: str
    host: str
    pid: int
    process: str = ""
    version: str
    drift: str = ""


class LeaseTaken(Value):
    """The right to act was granted."""

    kind: Literal["lease.taken"] = "lease.taken"
    arbiter: str
    token: str
    holder: str


class LeaseEnded(Value):
    """The right to act was given back, or was lost."""

    kind: Literal["lease.ended"] = "lease.ended"
    lost: bool
    reason: str = ""


class StepStarted(Value):
    """A step's attempt began."""

    kind: Literal["step.started"] = "step.started"
    step: str
    attempt: int = 1
    via: Via
    via_reason: str = ""


class StepIntent(Value):
    """What a step has seen and is about to change; written before the effect."""

    kind: Literal["step.intent"] = "step.intent"
    step: str
    attempt: int = 1
    seen: Fields
    changes: tuple[Change, ...]
    one_way: bool = True
    promotes: bool = False


class StepEnded(Value):
    """How a step ended: what it saw last, what it changed, what it proved.

    ``answered`` is the moment of the first success seen from outside, for steps that look from
    there. ``adopted`` says that the effect was found done and not repeated. ``by`` is the person
    who had the step skipped.
    """

    kind: Literal["step.ended"] = "step.ended"
    step: str
    attempt: int = 1
    outcome: Outcome
    via: Via
    seen: Fields = {}
    changes: tuple[Change, ...] = ()
    proofs: tuple[Proof, ...] = ()
    reason: str = ""
    hint: str = ""
    seconds: float = 0.0
    answered: Instant | None = None
    adopted: bool = False
    by: str = ""


class ConsentAsked(Value):
    """The run waits for a person; ``step`` is ``start`` for the procedure's own consent.

    ``needs`` different people must approve. ``version`` is the engine's that asks. ``instead_of``
    is the step whose approval is void and is asked for again here.
    """

    kind: Literal["consent.asked"] = "consent.asked"
    step: str
    what: Literal["consent", "approval", "manual", "decision"]
    of: str = ""
    text: str = ""
    changes: tuple[Change, ...] = ()
    changes_digest: str = ""
    budget: Duration | None = None
    expires: datetime | None = None
    needs: int = 1
    version: str = ""
    instead_of: str = ""


class ConsentGiven(Value):
    """A question is answered; ``skipped`` answers one about a step that is left out.

    ``by`` names all who approved. ``break_glass`` says that one of them put the rules aside.
    """

    kind: Literal["consent.given"] = "consent.given"
    step: str
    decision: Literal["approved", "denied", "expired", "skipped"]
    by: str = ""
    self_consented: bool = False
    reason: str = ""
    changes_digest: str = ""
    break_glass: bool = False
    evidence: tuple[Evidence, ...] = ()


class StatementMade(Value):
    """A person stated that a system is fenced."""

    kind: Literal["statement.made"] = "statement.made"
    step: str
    statement: Statement


NO_PROGRESS = "no_progress"
PARTLY_READ = "freeze_partly_read"


class Warned(Value):
    """Something that a person should know now; ``about`` is a fixed word such as rto_at_risk."""

    kind: Literal["warned"] = "warned"
    about: str
    text: str


class AbortAsked(Value):
    """Somebody asked the run to stop."""

    kind: Literal["abort.asked"] = "abort.asked"
    by: str
    reason: str = ""


class RunEnded(Value):
    """A run's end: outcome, the state of the world, the verdicts.

    ``heir`` is the run that it was handed over to. ``break_glass`` says that somebody put the rules
    of who may aside.
    """

    kind: Literal["run.ended"] = "run.ended"
    outcome: Outcome
    exit_code: int
    world: World
    verdicts: tuple[Verdict, ...] = ()
    reason: str = ""
    hint: str = ""
    heir: str = ""
    break_glass: bool = False


class ReportWritten(Value):
    """Where the report lies; written after the run's end."""

    kind: Literal["report.written"] = "report.written"
    html: str = ""
    json_file: str = ""
    trouble: str = ""


Body = Annotated[
    RunStarted
    | RunResumed
    | LeaseTaken
    | LeaseEnded
    | StepStarted
    | StepIntent
    | StepEnded
    | StepDirected
    | ConsentAsked
    | ConsentGiven
    | ApprovalGiven
    | ApprovalVoided
    | StatementMade
    | Warned
    | AbortAsked
    | Course
    | RunEnded
    | ReportWritten,
    Field(discriminator="kind"),
]


class Event(Value):
    """One entry of the journal, in the order of ``seq`` within its run."""

    # a measured NaN or infinity must be read again as what it is, not as null
    model_config = ConfigDict(ser_json_inf_nan="constants")

    run: str
    seq: int
    at: Instant
    body: Body


class Request(Value):
    """What another terminal asks of a run; only the engine turns it into events.

    ``outage_start`` is what an escalation was told of it. ``signed`` proves who asks. What answers
    a question has the ``changes_digest`` and the end of that which was read; None where unsaid.
    """

    id: int = 0
    run: str
    verb: Verb
    step: str = ""
    service: str = ""
    by: str
    reason: str = ""
    at: datetime
    outage_start: datetime | None = None
    signed: Signed | None = None
    break_glass: bool = False
    evidence: tuple[Evidence, ...] = ()
    changes_digest: str | None = None
    expires: datetime | None = None
