"""Judge how far an old primary went its own way; knows no tool's message, only positions."""

from __future__ import annotations

from datetime import datetime, timedelta

from drtool.model.lineage import Fork, Lineage, Tail
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
    """A sentence when the old primary committed after its fence or after the promotion.

    Commits before are the expected tail of an unplanned failover. ``skew_seconds`` is how far
    the clocks of old primary and source are apart; so much is forgiven.
    """
    ends = [fenced_at] if fenced_at is not None else []
    if source.promoted_at is not None:
        ends.append(source.promoted_at + PROMOTION_GRAIN)
    if not ends or not tail.commits:
        return None
    limit = min(ends) + timedelta(seconds=abs(skew_seconds))
    late = [commit for commit in tail.listed if commit.at > limit]
    if not late:
        return None
    first = late[0]
    which = "last" if len(late) == 1 and tail.commits > len(tail.listed) else "first"
    return (
        f"split brain: {place} committed after it was left behind, {which} at "
        f"{first.at.isoformat(timespec='milliseconds')} (position "
        f"{position_text(first.position)}); timeline {tail.timeline} was left at "
        f"{position_text(tail.position)}, timeline {source.timeline} began at "
        f"{source.promoted_at.isoformat() if source.promoted_at else 'an unknown time'}. "
        "Nothing was changed: decide by hand whose rows are kept"
    )


def diverged(control: Control, tail: Tail | None) -> bool:
    """Whether the server has WAL that the source never had.

    ``tail`` begins where the source left the server's timeline; None when it never did. A
    checkpoint begins at its position, what was recovered ends there: that may be where they part.
    """
    if tail is None:
        return False
    beyond = control.checkpoint >= tail.position or control.minimum_recovery > tail.position
    return tail.records > 0 or tail.unreadable or beyond
