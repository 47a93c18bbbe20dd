"""The contract that every action, check, command and notice keeps, built-in or foreign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import ClassVar, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict

from drtool.connections.reach import Connections, Reader, Writer
from drtool.errors import DrtoolError
from drtool.model.change import Change
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.plan import Objectives
from drtool.model.proof import AcceptedLoss, Proof, Statement
from drtool.model.purpose import Mode, Procedure, Purpose
from drtool.model.value import Name, Value
from drtool.units import Duration

R = TypeVar("R", bound=Reader)
W = TypeVar("W", bound=Writer)
S = TypeVar("S", bound=Value)


class Target(Enum):
    """What ``at`` must point to."""

    NONE = "none"
    SITE = "site"
    HOST = "host"
    SYSTEM = "system"


class Facts(Value):
    """What a run knows: direction, objectives, clocks, proofs so far, the lease.

    ``seconds_left`` is what the step's deadline left when these facts were gathered.
    """

    run: str
    step: str = ""
    attempt: int = 1
    mode: Mode
    procedure: Procedure
    service: Name
    inventory: Inventory
    direction: Direction
    at: Place | None = None
    objectives: Objectives = Objectives()
    started: datetime
    outage_start: datetime | None = None
    proofs: tuple[Proof, ...] = ()
    lease_token: str = ""
    accepted_loss: AcceptedLoss | None = None
    statement: Statement | None = None
    seconds_left: float | None = None


class Look:
    """The means to read: typed readers of targets, nothing that can change them."""

    def __init__(self, connections: Connections, facts: Facts) -> None:
        self._connections, self.facts = connections, facts

    def reach(self, kind: type[R], target: str) -> R:
        """A reader of the target; raises as its ``open`` does."""
        if issubclass(kind, Writer):
            raise DrtoolError(kind.__name__, "a writer was asked of a Look", "a reader")
        return self._connections.get(kind, target)

    def opened(self, kind: type[R], target: str) -> R | None:
        """A reader of the target that was reached before, or None; asks nobody."""
        if issubclass(kind, Writer):
            raise DrtoolError(kind.__name__, "a writer was asked of a Look", "a reader")
        return self._connections.opened(kind, target)

    def now(self) -> datetime:
        """The wall time, by the run's own clock."""
        return self._connections.context.clock.wall()

    def drop(self, kind: type[Reader], target: str) -> None:
        """Forget a broken connection."""
        self._connections.drop(kind, target)

    def aside(self, place: Place) -> Look:
        """The same means, turned to another place."""
        return Look(self._connections, self.facts.model_copy(update={"at": place}))


class Hands(Look):
    """The means to change the world; never built in dry-run or tabletop.

    ``arbiter`` is the session that holds the lease, where the arbiter gives one. ``still`` is asked
    before a writer is given, and raises LeaseHeld where the lease was lost.
    """

    def __init__(
        self,
        connections: Connections,
        facts: Facts,
        arbiter: Writer | None = None,
        still: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(connections, facts)
        self.arbiter, self._still = arbiter, still

    def reach(self, kind: type[R], target: str) -> R:
        """A reader or a writer of the target; raises as its ``open`` does."""
        if issubclass(kind, Writer) and kind.needs_lease:
            self._still()
        return self._connections.get(kind, target)

    def aside(self, place: Place) -> Hands:
        """The same means, turned to another place."""
        facts = self.facts.model_copy(update={"at": place})
        return Hands(self._connections, facts, self.arbiter, self._still)


class Entry(BaseModel):
    """What a step can name; the class attributes say how it is planned.

    ``target``, ``system_kind`` and ``other_kinds`` say what ``at`` points to.
    ``default_deadline`` bounds all attempts. ``from_outside`` marks what sees the service as a
    customer does: its first success ends the recovery time. ``every`` is the default pause
    between two looks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    purpose: ClassVar[Purpose]
    target: ClassVar[Target] = Target.NONE
    system_kind: ClassVar[str] = ""
    other_kinds: ClassVar[tuple[str, ...]] = ()
    default_deadline: ClassVar[Duration] = Duration(60)
    every: ClassVar[Duration] = Duration(0.1)
    from_outside: ClassVar[bool] = False
    may_set_purpose: ClassVar[bool] = False

    @classmethod
    def acts_on(cls, kind: str) -> bool:
        """Whether ``at`` may point to a system of that kind."""
        return cls.system_kind in {"", kind} or kind in cls.other_kinds

    def by_hand(self, facts: Facts) -> list[str]:
        """What a human would do in this step's place, line by line.

        A command to type begins with ``$ ``, or with ``HOST$ `` when it is typed there (see
        ``connections.typed``); every other line is a sentence.
        """
        raise NotImplementedError

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The connections this entry will use, so that preflight opens them side by side."""
        del facts
        return []


class StateAction(Entry, Generic[S]):
    """Looks, says what it would change, changes it, and is looked at again."""

    one_way: ClassVar[bool] = True

    def observe(self, look: Look) -> S:
        """What is now; its fields are ``{{ steps.NAME.* }}``."""
        raise NotImplementedError

    def changes(self, seen: S) -> list[Change]:
        """What is left to change; pure, empty when nothing is."""
        raise NotImplementedError

    def reason_not_to_apply(self, seen: S, facts: Facts) -> str | None:
        """A sentence when the change must not be made now; judged right before ``apply``.

        A ``Reason`` also says what a person can type about it.
        """
        del seen, facts
        return None

    def reason_to_wait(self, seen: S) -> str | None:
        """A sentence while changes are under way and applying again would be wrong."""
        del seen
        return None

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        """Make the changes."""
        raise NotImplementedError

    def proofs(self, seen: S, facts: Facts) -> list[Proof]:
        """What an observation proves; for fences."""
        del seen, facts
        return []

    def unseen(self, seen: S, proofs: Sequence[Proof]) -> bool:
        """Whether what gave these proofs is silent now, which neither shows nor belies them.

        For fences to which silence is data: their proofs stand then until they are too old.
        """
        del seen, proofs
        return False

    def undo(self, hands: Hands, before: S) -> None:
        """Take the changes back, for actions that are not one-way, and for fences that can be."""
        raise NotImplementedError

    def reason_not_to_undo(self, look: Look, before: S) -> str | None:
        """A sentence when the changes must not be taken back now; judged right before ``undo``.

        A fence is taken back only by an action that says here, from a look at every other site,
        that nobody was promoted.
        """
        del look, before
        return None


class Check(Entry, Generic[S]):
    """Reads and judges."""

    def observe(self, look: Look) -> S:
        """What is now; its fields are ``{{ steps.NAME.* }}``."""
        raise NotImplementedError

    def judge(self, seen: S, facts: Facts) -> str | None:
        """A sentence that says what is wrong, or None."""
        raise NotImplementedError


class Command(Entry, Generic[S]):
    """Applied once; done when it returned as declared, in doubt when that is not known."""

    one_way: ClassVar[bool] = True
    may_set_purpose: ClassVar[bool] = True

    def preview(self, facts: Facts) -> list[Change]:
        """What it will do, for dry-runs and approvals; pure."""
        raise NotImplementedError

    def run(self, hands: Hands) -> S:
        """Do it. Raises StepFailed when it ended wrongly, InDoubt when its end is not known."""
        raise NotImplementedError

    def find(self, look: Look) -> S | None:
        """What this very run and step left on the target, when that can be observed."""
        del look
        return None

    def unfinished(self, look: Look) -> bool:
        """Whether this very run and step was seen started on the target and not ended."""
        del look
        return False


class Notice(Entry):
    """Tells somebody; never blocks, never in doubt."""

    def send(self, hands: Hands) -> None:
        """Tell it."""
        raise NotImplementedError


def seen_type(entry: type[Entry]) -> type[Value] | None:
    """The type of an entry's observation, from its annotations; None when it has none."""
    for method in ("observe", "run"):
        declared = getattr(entry, method, None)
        if declared is not None:
            found = get_type_hints(declared).get("return")
            return found if isinstance(found, type) and issubclass(found, Value) else None
    return None
