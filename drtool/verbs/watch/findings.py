"""What a watch finds, and which of it is news."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

from drtool.model.value import Value
from drtool.units import Duration


class About(Enum):
    """What a finding is about."""

    ENGINE = "engine"
    WAITING = "waiting"
    UNPROTECTED = "unprotected"
    SUSPICION = "suspicion"
    OUTAGE = "outage"
    SPLIT_BRAIN = "split brain"
    BLIND = "blind"
    AUTOMATIC = "automatic"
    RECORDS = "records"


class Finding(Value):
    """Something that a person should know.

    ``key`` is the same as long as it is the same thing, ``scope`` what has to be looked at again
    before it can be called over: the runs, or one service's signals.
    """

    key: str
    scope: str
    about: About
    service: str
    run: str = ""
    since: datetime | None = None
    text: str
    commands: tuple[str, ...] = ()


class What(Enum):
    """What is new of a finding."""

    BEGUN = "begun"
    GOES_ON = "goes on"
    OVER = "over"


class News(Value):
    """A finding that is new, lasts, or is over, and when that was seen."""

    at: datetime
    what: What
    finding: Finding


class Told(Value):
    """A finding that people were told of, and when they were last told."""

    finding: Finding
    at: datetime


class Memory(Value):
    """What people know already."""

    told: tuple[Told, ...] = ()


def news(
    memory: Memory,
    found: Iterable[Finding],
    looked_at: Iterable[str],
    now: datetime,
    again: Duration,
) -> tuple[Memory, tuple[News, ...]]:
    """What is to be told now, and what people know then.

    What lasts is told again after that time. Only what belongs to a scope that was looked at can
    be over.
    """
    known = {one.finding.key: one for one in memory.told}
    scopes, fresh = set(looked_at), {one.key: one for one in found}
    told: list[News] = []
    for key, finding in fresh.items():
        before = known.get(key)
        if before is None:
            told.append(News(at=now, what=What.BEGUN, finding=finding))
        elif now - before.at >= timedelta(seconds=again.seconds):
            told.append(News(at=now, what=What.GOES_ON, finding=finding))
        else:
            continue
        known[key] = Told(finding=finding, at=now)
    for key, before in list(known.items()):
        if key not in fresh and before.finding.scope in scopes:
            told.append(News(at=now, what=What.OVER, finding=before.finding))
            del known[key]
    return Memory(told=tuple(known.values())), tuple(told)
