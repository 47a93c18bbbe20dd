"""Heartbeats at the primary: they bound what a failover loses."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.units import seconds_text
from drtool.verbs.doctor.clocks import TOLERANCE_SECONDS
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen, Server, answering

_AREA = Area.POSTGRESQL
LATE_SECONDS = 5.0
_BEATS = 3


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Whether each service's is there and fresh, by the primary's own clock."""
    for target in seen.primaries:
        for service in scope.inventory.services:
            yield from _heartbeat(scope, service, target, answering(seen.servers)[target])


def _heartbeat(scope: Scope, service: str, target: str, server: Server) -> Iterator[Finding]:
    cure = f"run as a service: drtool heartbeat {scope.inventory_path} {service}"
    interval = scope.inventory.services[service].heartbeat
    seen = server.replication
    if seen.heartbeat is None:
        tell = _AREA.problem if interval else _AREA.warning
        yield tell(
            target,
            f"has no heartbeat of {service}: what a failover loses is bounded by the last commit"
            " only",
            cure,
            f"a row each {interval or '1s'}",
        )
        return
    age = (seen.now - seen.heartbeat.written_at).total_seconds()
    limit = max(LATE_SECONDS, _BEATS * interval.seconds if interval else 0.0)
    if age > limit:
        found = f"its newest heartbeat is {seconds_text(age)} old"
        yield _AREA.problem(target, found, cure, f"at most {seconds_text(limit)}")
    elif age < -TOLERANCE_SECONDS:
        found = f"its newest heartbeat is {seconds_text(-age)} ahead of its clock"
        yield _AREA.problem(target, found, "timedatectl at both sites", "no later than now")
