"""Judge how much a promotion would lose; connects to nothing.

Invariant: the answer is never less than the truth as long as the clocks of primary, standby and
drtool agree within ``CLOCK_TOLERANCE``. A commit counts as lost if it was acknowledged and is
not at the standby. Every source gives a moment up to which all commits were received, and the
last possible commit ends the loss; thinking time loses nothing. What contradicts itself is
unknown, and unknown is refused.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from drtool.model.proof import AcceptedLoss
from drtool.model.replication import DataLoss, LossEvidence, position_text
from drtool.model.value import Value
from drtool.units import Duration, seconds_text

CLOCK_TOLERANCE = timedelta(seconds=2)
OUTAGE_TOLERANCE = timedelta(seconds=1)
SYNCHRONOUS_FOR = timedelta(seconds=5)
_WAITING = frozenset({"on", "remote_apply"})
_NAMELESS = "walreceiver"


class Moment(Value):
    """Up to when all commits are known to have been received, and what says so."""

    at: datetime
    source: str


def judge_loss(known: LossEvidence) -> DataLoss:
    """What a promotion of the standby now would lose at most, by the best source there is."""
    if not known.standby.in_recovery:
        return _answer(known, None, "none", already_primary=True,
                       reason="it is already a primary")  # fmt: skip
    other = _reason_other_cluster(known)
    if other is not None:
        return _answer(known, None, "none", reason=other)
    nothing = _source_of_nothing(known)
    if nothing is not None:
        return _answer(known, 0.0, nothing)
    ahead = _reason_clock_ahead(known)
    moments = _moments(known, believe_clock=ahead is None)
    if not moments:
        return _answer(known, None, "none", reason=ahead or (
            "no heartbeat row was received, no commit replayed since the server's start, and no "
            "position of the primary sampled"))  # fmt: skip
    newest = max(moments, key=lambda moment: moment.at)
    end, exact, by = _last_possible_commit(known, newest.at)
    if _waited_for_us(known, end):
        return _answer(known, 0.0, "synchronous commit at the last heartbeat", newest=newest)
    seconds = max(0.0, (end - newest.at).total_seconds())
    return _answer(known, seconds, f"{newest.source}, until {by}", upper_bound=not exact,
                   newest=newest)  # fmt: skip


def reason_not_to_lose(
    loss: DataLoss, limit: Duration, accepted: AcceptedLoss | None = None
) -> str | None:
    """A sentence when the loss is unknown or more than the limit, and no person accepted it.

    An acceptance that names an amount covers no unknown loss.
    """
    if loss.already_primary or (accepted is not None and accepted.covers(loss.seconds)):
        return None
    if loss.seconds is None:
        return f"the data loss of promoting {loss.place} now is unknown: {loss.reason}"
    if loss.seconds <= limit.seconds:
        return None
    most, allowed = limit, "that is allowed"
    if accepted is not None and isinstance(accepted.at_most, Duration) and accepted.at_most > limit:
        most, allowed = accepted.at_most, f"that {accepted.by} accepted"
    return (
        f"promoting {loss.place} now would lose {loss}, more than the "
        f"{seconds_text(most.seconds)} {allowed}"
    )


def hint_to_accept(loss: DataLoss) -> str:
    """What a person can type who would rather lose it than wait.

    An upper bound ends with a fence or with the clock, so it will be another one next time.
    """
    known = loss.seconds is not None and not loss.upper_bound
    amount = f"{math.ceil(loss.seconds or 0)}s" if known else "unknown"
    return (
        f"to lose it all the same, start again with --accept-data-loss {amount} --reason 'why'; "
        "drtool explain prints the whole command"
    )


def reason_replay_paused(loss: DataLoss) -> str | None:
    """A sentence when replay is paused: what was received cannot be judged or served."""
    if not loss.replay_paused:
        return None
    return (
        f"replay is paused at {loss.place}, with {loss.received_not_replayed_bytes} bytes received "
        "and not replayed; SELECT pg_wal_replay_resume() there"
    )


def _source_of_nothing(known: LossEvidence) -> str | None:
    """Why nothing at all would be lost, or None."""
    standby, primary = known.standby, known.primary
    if primary is not None and not primary.in_recovery:
        if standby.standby_name in known.waited_for and primary.synchronous_commit in _WAITING:
            return "synchronous commit"
        sampled = primary.current
        if _has(standby.received, sampled) and primary.timeline == standby.timeline:
            return f"received up to {position_text(sampled)}, sampled at the primary"
        return None
    final = known.final_position
    if final is not None and standby.received is not None and standby.received > final:
        return f"received the primary's last record, at {position_text(final)}"
    return None


def _reason_other_cluster(known: LossEvidence) -> str | None:
    """A sentence when the standby cannot have received anything of this primary's."""
    standby, primary = known.standby, known.primary
    if primary is None:
        return None
    if primary.system_identifier != standby.system_identifier:
        return (
            f"{standby.place} belongs to the cluster {standby.system_identifier}, "
            f"{primary.place} to {primary.system_identifier}"
        )
    return None


def _has(received: int | None, position: int | None) -> bool:
    return received is not None and position is not None and received >= position


def _moments(known: LossEvidence, *, believe_clock: bool) -> list[Moment]:
    """The moments up to which all commits were received; the primary's clock may be doubted."""
    standby, found = known.standby, []
    if believe_clock and standby.heartbeat is not None:
        found.append(Moment(at=standby.heartbeat.written_at, source="newest heartbeat"))
    if believe_clock and standby.last_commit is not None:
        found.append(Moment(at=standby.last_commit, source="last commit"))
    sample = known.sample
    same_line = sample is not None and sample.timeline == standby.timeline
    if sample is not None and same_line and _has(standby.received, sample.position):
        age = seconds_text(max(0.0, (known.now - sample.at).total_seconds()))
        found.append(Moment(at=sample.at, source=f"position sampled {age} ago"))
    return found


def _reason_clock_ahead(known: LossEvidence) -> str | None:
    """A sentence when the primary's clock was ahead of ours: its times would hide a loss."""
    heartbeat = known.standby.heartbeat
    times = [known.standby.last_commit, heartbeat.written_at if heartbeat else None]
    newest = max((time for time in times if time is not None), default=None)
    if newest is None:
        return None
    ahead = newest - min(known.now, known.standby.now)
    if ahead <= CLOCK_TOLERANCE:
        return None
    return (
        f"the newest heartbeat or commit bears a time {seconds_text(ahead.total_seconds())} in the "
        "future, so the primary's clock cannot be believed"
    )


def _last_possible_commit(known: LossEvidence, newest: datetime) -> tuple[datetime, bool, str]:
    """When the last commit can have been acknowledged, whether that is exact, and what says so.

    Something received from after the told start of the outage shows that the primary lived on, and
    so does its own answer to us, whether or not that position was received.
    """
    answers = known.primary is not None and not known.primary.in_recovery
    newest = max(newest, known.sample.at) if known.sample is not None else newest
    start = known.outage_start
    if start is not None and not answers:
        if newest <= start:
            return start, True, "the outage's start"
        if newest <= start + OUTAGE_TOLERANCE:
            return start + OUTAGE_TOLERANCE, False, "the outage's start"
    if known.fenced_at is not None and not answers:
        return max(known.fenced_at, newest), False, "the proven fence"
    return max(known.now, newest), False, "now"


def _waited_for_us(known: LossEvidence, end: datetime) -> bool:
    """Whether the last heartbeat, no older than a few beats at the end, says so.

    A standby that bears the default name cannot be told from others.
    """
    heartbeat, name = known.standby.heartbeat, known.standby.standby_name
    if heartbeat is None or name == _NAMELESS or name not in heartbeat.synchronous:
        return False
    if known.primary is not None and not known.primary.in_recovery:
        return False
    return end - heartbeat.written_at <= SYNCHRONOUS_FOR and _reason_clock_ahead(known) is None


def _answer(
    known: LossEvidence,
    seconds: float | None,
    source: str,
    *,
    upper_bound: bool = False,
    reason: str = "",
    newest: Moment | None = None,
    already_primary: bool = False,
) -> DataLoss:
    """The answer, with the two figures that must not be mixed up beside it."""
    standby, primary = known.standby, known.primary
    answers = primary is not None and not primary.in_recovery
    target = primary.current if primary is not None and answers else known.final_position
    missing = None
    if target is not None and standby.received is not None:
        missing = max(0, target - standby.received)
    return DataLoss(
        place=standby.place,
        seconds=seconds,
        source=source,
        upper_bound=upper_bound,
        reason=reason,
        newest_received=newest.at if newest else None,
        evidence_age_seconds=(known.now - newest.at).total_seconds() if newest else None,
        received_not_replayed_bytes=standby.received_not_replayed,
        not_received_bytes=missing,
        replay_paused=standby.replay_paused,
        streaming=standby.streaming,
        primary_answers=answers,
        already_primary=already_primary,
    )
