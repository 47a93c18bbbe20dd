"""Whether a server can be rewound, and why it has to be copied where it cannot."""

from __future__ import annotations

import re

from drtool.model.lineage import Lineage, Tail, segment_name
from drtool.model.postgresql_host import Control, HostState
from drtool.safety.divergence import timeline_of

# What pg_rewind says of trouble that a copy of the whole server would meet as well.
_CONNECTION_TROUBLE = re.compile(r"connect|FATAL|authentication|permission denied|password")


def connection_trouble(said: str) -> bool:
    """Whether what a rewind said would come of a copy, too."""
    return _CONNECTION_TROUBLE.search(said) is not None


def reason_no_rewind(
    host: HostState, lineage: Lineage, tail: Tail | None, *, diverged: bool
) -> str:
    """Why no rewind can bring a stopped server back, or "" where one can or is not needed."""
    control = host.control
    if host.held:
        return "a rewind or a copy was cut off in the middle"
    if control is None:
        return ""
    if diverged and not (control.checksums or control.wal_log_hints):
        return "it has neither data checksums nor wal_log_hints, of which a rewind needs one"
    return _past_is_gone(control, lineage, tail)


def tried_in_vain(host: HostState, run: str) -> str:
    """What a rewind said that this run has tried, as rewind.sh has left it; "" without one."""
    said = re.fullmatch(rf"drtool run {re.escape(run)}: no rewind: (.*)", host.note)
    return said[1] if said and not connection_trouble(said[1]) else ""


def _past_is_gone(control: Control, lineage: Lineage, tail: Tail | None) -> str:
    """A sentence when the source has recycled WAL that the server would need to follow it."""
    start = control.redo if tail is None else min(control.redo, tail.position)
    needed = segment_name(timeline_of(control), start, control.segment_bytes)[8:]
    if needed >= lineage.oldest_segment:
        return ""
    return f"it needs WAL from {needed} on, and the source has it from {lineage.oldest_segment} on"
