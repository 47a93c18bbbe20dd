"""Judge how far an old primary went its own way; knows no tool's message, only positions."""

from __future__ import annotations

from datetime import datetime, timedelta

from drtool.model.lineage import Commit, Fork, Lineage, Tail, history_name
from drtool.model.postgresql_host import IN_PRODUCTION, SHUT_DOWN, Control, HostState
from drtool.model.replication import position_text

# A timeline history file bears its time in whole seconds.
PROMOTION_GRAIN = timedelta(seconds=1)


def timeline_of(control: Control) -> int:
    """The timeline that a stopped server's data directory is on."""
    return max(control.timeline, control.minimum_timeline)


def end_of(control: Control) -> int:
    """The position that a stopped server reached at least."""
    return max(control.checkpoint, control.minimum_recovery)


def reason_other_branch(host: HostState, own: tuple[Fork, ...], source: Lineage) -> str | None:
    """A sentence when the server was promoted by itself.

    Its timeline is then none of the source's, or parted elsewhere, or it was a primary on the
    very timeline on which the source is one. ``own`` are the forks that its host knows.
    """
    if host.control is None:
        return None
    place, timeline = host.place, timeline_of(host.control)
    if timeline == source.timeline:
        was_primary = host.control.state in {SHUT_DOWN, IN_PRODUCTION} and not host.fresh_copy
    else:
        was_primary = source.left(timeline) is None
    if not was_primary and own == source.forks[: len(own)]:
        return None
    parted = own[-1].position if own else None
    where = f", parted at {position_text(parted)}" if parted is not None else ""
    return (
        f"split brain: {place} is on a timeline {timeline} of its own{where}, the source on "
        f"timeline {source.timeline}. Both were promoted; decide by hand whose rows are kept, "
        "then rebuild the other with pg_basebackup"
    )


def reason_split_brain(
    place: str, tail: Tail, source: Lineage, fenced_at: datetime | None, skew_seconds: float
) -> str | None:
    """A sentence when the old primary committed after its fence or after it was left behind.

    That was when somebody was first promoted, which need not be the source. Commits before are
    the expected tail of an unplanned failover; where nobody knows, none is taken for one.
    ``skew_seconds`` is how far the clocks of old primary and source are apart; so much is forgiven.
    """
    if not tail.commits:
        return None
    following = source.next_after(tail.timeline)
    left_at = source.began_at(following)
    ends = [at + PROMOTION_GRAIN for at in (left_at, source.promoted_at) if at is not None]
    ends += [fenced_at] if fenced_at is not None else []
    limit = min(ends) + timedelta(seconds=abs(skew_seconds)) if ends else None
    late = [commit for commit in tail.listed if limit is not None and commit.at > limit]
    if late:
        return _left_behind(place, tail, late, following, left_at)
    return _unknown_when_left(place, tail, following) if left_at is None else None


def _left_behind(
    place: str, tail: Tail, late: list[Commit], following: int, left_at: datetime | None
) -> str:
    first = late[0]
    which = "last" if len(late) == 1 and tail.commits > len(tail.listed) else "first"
    return (
        f"split brain: {place} committed after it was left behind, {which} at "
        f"{_at(first)} (position {position_text(first.position)}); timeline {tail.timeline} was "
        f"left at {position_text(tail.position)}, timeline {following} began at "
        f"{left_at.isoformat() if left_at else 'an unknown time'}. "
        "Nothing was changed: decide by hand whose rows are kept"
    )


def _unknown_when_left(place: str, tail: Tail, following: int) -> str:
    last = f", the last at {_at(tail.listed[-1])}" if tail.listed else ""
    parted = position_text(tail.position)
    return (
        f"split brain cannot be ruled out: {place} has {tail.commits} commits that only it has"
        f"{last} (pg_waldump -p pg_wal -t {tail.timeline} -s {parted}), and it is unknown when its "
        f"timeline was left for timeline {following}: the source's {history_name(following)} is "
        "missing, or of a copy's or restore's time. Nothing was changed: find out when that "
        "promotion was; decide by hand whose rows are kept if any was committed later, then "
        "rebuild it with pg_basebackup"
    )


def _at(commit: Commit) -> str:
    return commit.at.isoformat(timespec="milliseconds")


def diverged(control: Control, tail: Tail | None) -> bool:
    """Whether the server has WAL that the source never had.

    ``tail`` begins where the source left the server's timeline; None when it never did. A
    checkpoint begins at its position, what was recovered ends there: that may be where they part.
    """
    if tail is None:
        return False
    beyond = control.checkpoint >= tail.position or control.minimum_recovery > tail.position
    return tail.records > 0 or tail.unreadable or beyond
