"""Judge whether a service is out, from signals seen from several places; connects to nothing.

Invariant: nothing is called an outage unless signals from two places have said so without a
break for the whole hold-down, and no signal says at the same time that the service is well. A
signal that could not look says nothing, and ends what it said before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from drtool.model.event import Instant
from drtool.model.replication import Replication
from drtool.model.value import Value
from drtool.units import Duration, seconds_text

LONGEST_GAP_SECONDS = 20.0  # between two looks, or nobody knows what was in between
STREAMING_SILENCE_SECONDS = 35.0  # a walsender that is idle speaks after 30 s
SILENCE_SECONDS = 5.0  # of a standby that has no connection
PAGE = "http"  # how the name of a signal begins that looks at the service as a customer does


class Saying(Enum):
    """What one look of a signal says."""

    WELL = "well"
    OUT = "out"
    BLIND = "cannot say"


class Sighting(Value):
    """One look: what was looked at, from where, what it says, and when it began."""

    signal: str
    place: str
    saying: Saying
    text: str
    at: Instant


class Record(Value):
    """What one signal has said; ``out_since`` begins an unbroken row of looks that said out.

    ``well_at`` is the last look that said well.
    """

    last: Sighting
    out_since: Instant | None = None
    well_at: Instant | None = None


class Outlook(Value):
    """What all signals of a service have said so far."""

    records: tuple[Record, ...] = ()


class Word(Enum):
    """What the signals come to."""

    WELL = "well"
    BLIND = "nobody can say"
    SUSPECTED = "suspected"
    OUTAGE = "outage"


class Verdict(Value):
    """What the signals come to, why, and since when it is out.

    ``source`` is the signal whose word that is. ``agreed_seconds`` is for how long two places have
    said so.
    """

    word: Word
    reason: str
    since: datetime | None = None
    source: str = ""
    agreed_seconds: float = 0.0


def heard(outlook: Outlook, sightings: Iterable[Sighting]) -> Outlook:
    """What is known after more looks."""
    known = {record.last.signal: record for record in outlook.records}
    for sighting in sightings:
        known[sighting.signal] = _record(known.get(sighting.signal), sighting)
    return Outlook(records=tuple(known.values()))


def _record(before: Record | None, sighting: Sighting) -> Record:
    well_at = before.well_at if before is not None else None
    if sighting.saying is not Saying.OUT:
        well_at = sighting.at if sighting.saying is Saying.WELL else well_at
        return Record(last=sighting, well_at=well_at)
    unbroken = before is not None and _follows(before.last.at, sighting.at)
    since = before.out_since if before is not None and unbroken else None
    return Record(last=sighting, out_since=since or sighting.at, well_at=well_at)


def _follows(earlier: Instant, later: Instant) -> bool:
    """Whether nothing can have happened between two looks that was not seen.

    A virtual machine that was held still knows of it by its wall clock alone; one that is set
    forward only begins a hold-down anew.
    """
    same = earlier.boot == later.boot
    passed = later.monotonic - earlier.monotonic
    by_wall = (later.wall - earlier.wall).total_seconds()
    return same and passed >= 0 and max(passed, by_wall) <= LONGEST_GAP_SECONDS


def judge(outlook: Outlook, now: Instant, hold_down: Duration) -> Verdict:
    """What the signals come to now."""
    fresh = [record for record in outlook.records if _follows(record.last.at, now)]
    out = [record for record in fresh if record.out_since is not None]
    well = [record for record in fresh if record.last.saying is Saying.WELL]
    if not out:
        return _not_out(fresh, well)
    since, source = _since(out, outlook)
    found = {"since": since, "source": source}
    said = "; ".join(map(_said, out))
    if well:
        against = "; ".join(map(_said, well))
        reason = f"the signals disagree: {said}; but {against}"
        return Verdict(word=Word.SUSPECTED, reason=reason, **found)
    agreed = _agreed_seconds(out, now)
    if agreed is None:
        reason = f"seen from one place only, which may be cut off itself: {said}"
        others = [record for record in fresh if record.last.saying is Saying.BLIND]
        reason += "".join(f"; {_said(other)}" for other in others)
        return Verdict(word=Word.SUSPECTED, reason=reason, **found)
    if agreed < hold_down.seconds:
        reason = f"{said}; for {seconds_text(agreed)} of the {hold_down} that count as an outage"
        return Verdict(word=Word.SUSPECTED, reason=reason, agreed_seconds=agreed, **found)
    return Verdict(word=Word.OUTAGE, reason=said, agreed_seconds=agreed, **found)


def _since(out: list[Record], outlook: Outlook) -> tuple[datetime, str]:
    """Since when it is out, and whose word that is: a signal that is out for a day may be broken.

    Customers were served for as long as the service's own page said well, whatever else said out;
    once that page is out, nothing that looks elsewhere makes their outage shorter.
    """
    first = min(out, key=lambda record: _began(record).wall)
    pages = [one for one in outlook.records if one.last.signal.startswith(PAGE) and one.well_at]
    witness = max(pages, key=_well_at, default=None)
    if witness is None or _well_at(witness) <= _began(first).wall:
        return _began(first).wall, _named(first)
    return _well_at(witness), f"{_named(witness)}, which said well until then"


def _well_at(record: Record) -> datetime:
    return (record.well_at or record.last.at).wall


def _not_out(fresh: list[Record], well: list[Record]) -> Verdict:
    if well:
        return Verdict(word=Word.WELL, reason="; ".join(map(_said, well)))
    reason = "; ".join(map(_said, fresh)) or "no signal has looked yet"
    return Verdict(word=Word.BLIND, reason=reason)


def _agreed_seconds(out: list[Record], now: Instant) -> float | None:
    """For how long two places have said so without a break; None when there is but one."""
    held: dict[str, float] = {}
    for record in out:
        seconds = now.monotonic - _began(record).monotonic
        held[record.last.place] = max(seconds, held.get(record.last.place, 0.0))
    return sorted(held.values())[-2] if len(held) > 1 else None


def _began(record: Record) -> Instant:
    return record.out_since or record.last.at


def _named(record: Record) -> str:
    return f"{record.last.signal} seen from {record.last.place}"


def _said(record: Record) -> str:
    return f"{_named(record)}: {record.last.text}"


def heartbeat_says(seen: Replication) -> tuple[Saying, str]:
    """What a database says of its primary, by its own clock.

    The heartbeat's row shows that a primary takes writes, messages of its walsender that it
    lives: either will do, so that a heartbeat that nobody writes is no outage.
    """
    if not seen.in_recovery:
        return Saying.WELL, f"{seen.place} is the primary and answers"
    row = [seen.heartbeat.written_at] if seen.heartbeat else []
    message = [seen.receiver.heard_at] if seen.receiver and seen.receiver.heard_at else []
    newest = max([*row, *message], default=None)
    if newest is None:
        if seen.streaming:
            return Saying.WELL, f"{seen.place} streams from its primary"
        return Saying.OUT, f"{seen.place} has no connection to its primary"
    silent = max(0.0, (seen.now - newest).total_seconds())
    most = STREAMING_SILENCE_SECONDS if seen.streaming else SILENCE_SECONDS
    if silent <= most:
        return Saying.WELL, f"{seen.place} heard its primary {seconds_text(silent)} ago"
    return Saying.OUT, f"{seen.place} has heard nothing of its primary for {seconds_text(silent)}"


def reason_two_primaries(seen: Iterable[Replication]) -> str | None:
    """A sentence when more than one site seems to have the primary: split brain is suspected."""
    primaries = [one for one in seen if not one.in_recovery]
    if len(primaries) < 2:
        return None
    named = ", and ".join(f"{one.place} is primary on timeline {one.timeline}" for one in primaries)
    return (
        f"split brain suspected: {named}; nothing is done by itself: find out which of them "
        "customers write to, and fence the other"
    )
