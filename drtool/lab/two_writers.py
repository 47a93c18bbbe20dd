"""Whether two sites ever accepted writes at once: pure, over the writes that were accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drtool.lab.writers import Write


@dataclass(frozen=True)
class Moment:
    """A time in which two sites took writes, from ``began`` to ``ended`` in epoch seconds.

    ``writes`` is how many the older one accepted when it should not have. ``certain`` is False
    when the two can also have followed one another, within the time that an answer took.
    """

    sites: tuple[str, str]
    began: float
    ended: float
    writes: int
    certain: bool = True

    @property
    def seconds(self) -> float:
        """How long it went on."""
        return self.ended - self.began


def two_writers(writes: Iterable[Write]) -> list[Moment]:
    """The moments in which two sites were writable, in order of time.

    A promotion begins a new timeline, so that who may write can be read off the writes alone. A
    site that accepts a write on an older timeline after another site had a write acknowledged
    on a newer one makes a moment: A, B, A. A, then B, is a switchover; B, then A on a timeline
    newer still, is the way back. Two sites on the same timeline make a moment in any case, since
    only one server ever writes a timeline.

    A write was committed between ``written`` and ``acknowledged``. The moment is certain when
    the older site's write began after the newer site's first was acknowledged, and not certain
    when only these spans overlap.
    """
    by_writer: dict[tuple[str, int], list[Write]] = {}
    for write in writes:
        by_writer.setdefault((write.site, write.timeline), []).append(write)
    found = []
    for (site, timeline), older in by_writer.items():
        for (other, later), newer in by_writer.items():
            if site == other or timeline > later or (timeline == later and site > other):
                continue
            found += _same(older, newer) if timeline == later else _late(older, newer)
    return sorted(found, key=lambda moment: moment.began)


def _late(older: list[Write], newer: list[Write]) -> list[Moment]:
    first = min(newer, key=lambda write: write.acknowledged)
    sites = (older[0].site, first.site)
    late = [write for write in older if write.written > first.acknowledged]
    if late:
        ended = max(write.acknowledged for write in late)
        return [Moment(sites, first.acknowledged, ended, len(late))]
    unclear = [write for write in older if write.acknowledged > first.written]
    if unclear:
        ended = max(write.acknowledged for write in unclear)
        return [Moment(sites, first.written, ended, len(unclear), certain=False)]
    return []


def _same(one: list[Write], two: list[Write]) -> list[Moment]:
    began = max(min(write.written for write in writes) for writes in (one, two))
    ended = max(write.acknowledged for write in (*one, *two))
    return [Moment((one[0].site, two[0].site), began, ended, min(len(one), len(two)))]
