"""Where PostgreSQL timelines parted, and what a server wrote after it was left behind."""

from __future__ import annotations

from datetime import datetime

from drtool.model.replication import position_of
from drtool.model.value import Value


class Fork(Value):
    """The position, a number of bytes in the WAL, at which a timeline was left for a newer one."""

    timeline: int
    position: int


class Beginning(Value):
    """When a timeline began, at the latest: when a server first had its history file."""

    timeline: int
    at: datetime


class Lineage(Value):
    """A server's timeline and those it came from, the oldest first.

    ``promoted_at`` is when its timeline began, ``began`` when those before it did of which it
    knows that, by its own clock and to the second.
    ``oldest_segment`` is the name of the oldest WAL file that it still has, without the timeline
    that it begins with. ``missing_rights``
    are the functions that pg_rewind would call and our user may not; ``role_trouble`` is why the
    inventory's replication user cannot follow it.
    """

    timeline: int
    forks: tuple[Fork, ...] = ()
    promoted_at: datetime | None = None
    began: tuple[Beginning, ...] = ()
    oldest_segment: str = ""
    missing_rights: tuple[str, ...] = ()
    role_trouble: str = ""

    def left(self, timeline: int) -> int | None:
        """Where that timeline was left; None when it was not, or is not of this lineage."""
        return next((fork.position for fork in self.forks if fork.timeline == timeline), None)

    def next_after(self, timeline: int) -> int:
        """The timeline for which that one was left; its own where there is none between."""
        later = (fork.timeline for fork in self.forks if fork.timeline > timeline)
        return min(later, default=self.timeline)

    def began_at(self, timeline: int) -> datetime | None:
        """When that timeline began; None when that is not known here."""
        if timeline == self.timeline:
            return self.promoted_at
        return next((one.at for one in self.began if one.timeline == timeline), None)


class Commit(Value):
    """A transaction in the WAL; ``at`` is by the clock of the server that wrote it."""

    position: int
    transaction: str
    at: datetime


class Tail(Value):
    """What a server's WAL holds from a position on.

    ``commits`` counts all of them, ``listed`` shows the first ones and the last.
    ``host_ahead_seconds`` is how much its host's clock is ahead of drtool's. ``said`` is why
    reading ended; ``unreadable`` is set when that is not the WAL's end.
    """

    timeline: int
    position: int
    records: int = 0
    commits: int = 0
    listed: tuple[Commit, ...] = ()
    end: int | None = None
    forks: tuple[Fork, ...] = ()
    host_ahead_seconds: float = 0.0
    said: str = ""
    unreadable: bool = False


def forks_of(text: str) -> tuple[Fork, ...]:
    """The forks in a timeline history file: timeline, position and reason on each line."""
    rows = [line.split(None, 2) for line in text.splitlines()]
    return tuple(
        Fork(timeline=int(row[0]), position=position_of(row[1]))
        for row in rows
        if len(row) > 1 and row[0].isdigit()
    )


def history_name(timeline: int) -> str:
    """The name of the file that says where a timeline comes from."""
    return f"{timeline:08X}.history"


def segment_name(timeline: int, position: int, segment_bytes: int) -> str:
    """The name of the WAL file that holds a position."""
    number, per_id = position // segment_bytes, (1 << 32) // segment_bytes
    return f"{timeline:08X}{number // per_id:08X}{number % per_id:08X}"
