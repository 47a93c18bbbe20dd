"""Gather what is known of the data loss that a promotion would mean."""

from __future__ import annotations

import queue
import threading
import time

from drtool.action import Facts, Look
from drtool.actions.postgresql.sides import other_side, place_of
from drtool.connections.postgresql import PostgresqlReader
from drtool.connections.postgresql.trouble import turned_away
from drtool.errors import DrtoolError, Reason
from drtool.model.place import Place
from drtool.model.proof import Proof
from drtool.model.replication import DataLoss, LossEvidence, Replication, Sample, Sender
from drtool.model.value import Value
from drtool.safety.loss import hint_to_accept, reason_not_to_lose
from drtool.units import Duration

PATIENCE_SECONDS = 0.5
_POLL_SECONDS = 0.005


class Heard(Value):
    """What a server that may be gone has answered, or why it has not.

    ``silent`` says that it neither answered nor turned us away in the time given, ``turned_away``
    that a server is there and does not let us in.
    """

    replication: Replication | None = None
    waited_for: tuple[str, ...] = ()
    trouble: str = ""
    silent: bool = False
    turned_away: bool = False

    @property
    def primary(self) -> Replication | None:
        """The answer, if a primary gave it."""
        seen = self.replication
        return seen if seen is not None and not seen.in_recovery else None


def counterpart(facts: Facts) -> Place:
    """The same system at the other site of the run's direction."""
    ends = facts.direction
    return other_side(
        facts, ends.from_site if place_of(facts).site == ends.to_site else ends.to_site
    )


def allowed_loss(facts: Facts, own: Duration | None) -> Duration:
    """What may be lost: the step's own limit, the RPO, or nothing in a planned procedure."""
    if own is not None:
        return own
    if facts.procedure.unplanned and facts.objectives.rpo is not None:
        return facts.objectives.rpo
    return Duration(0)


def reason_too_lossy(facts: Facts, loss: DataLoss, limit: Duration) -> str | None:
    """The guard's sentence, with what can be typed about it where the procedure lets one."""
    reason = reason_not_to_lose(loss, limit, facts.accepted_loss)
    if reason is None or not facts.procedure.unplanned:
        return reason
    return Reason(reason, hint_to_accept(loss))


def ask(look: Look, place: Place, patience: float = PATIENCE_SECONDS) -> Heard:
    """Ask a server that may be gone, for no longer than ``patience``.

    What has not answered by then may answer a later look: its connection is kept when it comes.
    """
    answers: queue.SimpleQueue[Heard] = queue.SimpleQueue()

    def attempt() -> None:
        try:
            reader = look.reach(PostgresqlReader, str(place))
            seen = reader.replication()
            senders = () if seen.in_recovery else reader.senders()
        except DrtoolError as error:
            answers.put(Heard(trouble=error.line(), turned_away=turned_away(error)))
        else:
            answers.put(Heard(replication=seen, waited_for=waited_for(senders)))

    threading.Thread(target=attempt, name=f"ask {place}", daemon=True).start()
    try:
        return answers.get(timeout=patience)
    except queue.Empty:
        said = f"postgresql {place}: no answer within {patience:g} s"
        return Heard(trouble=said, silent=True)


def waited_for(senders: tuple[Sender, ...]) -> tuple[str, ...]:
    """The names of standbys that the primary waits for, where a name stands for one kind only."""
    states: dict[str, set[str]] = {}
    for sender in senders:
        states.setdefault(sender.application_name, set()).add(sender.sync_state)
    return tuple(name for name, found in states.items() if found == {"sync"})


def last_sample(look: Look, place: Place) -> Sample | None:
    """The last position that the primary gave in this run; it may be gone, and is not asked."""
    reader = look.opened(PostgresqlReader, str(place))
    return reader.sample if reader is not None else None


def await_position(
    reader: PostgresqlReader, position: int, *, replayed: bool = False, seconds: float = 0.5
) -> Replication:
    """Look at a standby until it has received, or replayed, a position, or the time is up."""
    end = time.monotonic() + seconds
    while True:
        seen = reader.replication()
        has = seen.replayed if replayed else seen.received
        if (has or 0) >= position or not seen.in_recovery or time.monotonic() > end:
            return seen
        time.sleep(_POLL_SECONDS)


def gather(look: Look, standby: Replication, heard: Heard, proof: Proof | None) -> LossEvidence:
    """All that is known, as one value to judge."""
    return LossEvidence(
        standby=standby,
        primary=heard.primary,
        waited_for=heard.waited_for,
        sample=last_sample(look, counterpart(look.facts)),
        outage_start=look.facts.outage_start,
        fenced_at=proof.at if proof else None,
        final_position=proof.final_position if proof else None,
        now=look.now(),
    )
