"""What shows that an old primary can no longer serve or write."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Literal

from pydantic import StringConstraints

from drtool.model.value import Value
from drtool.units import Duration

# who, and why: neither may be blank where a person answers for something
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class ProofKind(Enum):
    """What the proof rests on; a statement is a human's word and never called proven."""

    PROCESSES = "processes"
    POWER = "power"
    CLOUD = "cloud"
    NETWORK = "network"
    STATEMENT = "statement"


class Proof(Value):
    """That the system ``subject`` was seen unable to write at ``at``; good for ``max_age``.

    ``subject`` is the place (``east.orders_db``), ``identity`` what makes it that very one: the
    PostgreSQL system identifier, or the controller's system id.
    ``durable`` says that it stays so when a supervisor or an operator starts the server again.
    ``final_position`` is where the shutdown checkpoint of a cleanly stopped PostgreSQL server
    begins in its WAL (pg_controldata's "Latest checkpoint location", as a number of bytes), or any
    later byte of that last record: a standby that has received more has received everything.
    """

    kind: ProofKind
    subject: str
    identity: str
    evidence: str
    at: datetime
    max_age: Duration
    durable: bool = False
    final_position: int | None = None


class Statement(Value):
    """A human's typed word that a system is fenced, with the reason for believing it."""

    by: Said
    reason: Said
    at: datetime


class AcceptedLoss(Value):
    """A person's explicit acceptance of a data loss, with its amount and reason.

    ``unknown`` as the amount covers any, and a loss that nobody can tell.
    """

    at_most: Duration | Literal["unknown"]
    by: Said
    reason: Said

    @property
    def unlimited(self) -> bool:
        """Whether it covers what is unknown."""
        return self.at_most == "unknown"

    def covers(self, seconds: float | None) -> bool:
        """Whether it covers a loss of that many seconds, None for an unknown one."""
        if not isinstance(self.at_most, Duration):
            return True
        return seconds is not None and seconds <= self.at_most.seconds

    def __str__(self) -> str:
        """Who accepted what, and why, on one line."""
        known = f"a data loss of at most {self.at_most}"
        what = "any data loss, even an unknown one" if self.unlimited else known
        return f"{self.by} accepted {what}: {self.reason}"
