"""PostgreSQL servers side by side: one primary, and standbys that follow it closely."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.units import bytes_text, seconds_text
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen, Server, answering

_AREA = Area.POSTGRESQL


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """Roles and links of the servers that bear one name at several sites."""
    answers = answering(seen.servers)
    for name in dict.fromkeys(target.partition(".")[2] for target in scope.servers):
        targets = [target for target in scope.servers if target.partition(".")[2] == name]
        servers = {target: answers[target] for target in targets if target in answers}
        faults = [*_roles(scope, servers, targets)]
        yield from faults
        if not faults:
            yield from map(_fine, servers.values())


def _roles(scope: Scope, servers: dict[str, Server], targets: list[str]) -> Iterator[Finding]:
    """One primary, if all answer; then how each of the others follows it."""
    primaries = [target for target, one in servers.items() if not one.replication.in_recovery]
    if len(primaries) > 1:
        yield _AREA.problem(
            " and ".join(primaries),
            "both are primaries: split brain suspected",
            "drtool explain tells of the last run; fence one of them, then drtool reprotect"
            f" {scope.runbook}",
            "one primary",
        )
    elif not primaries and len(servers) == len(targets):
        site = targets[0].partition(".")[0]
        yield _AREA.problem(
            ", ".join(targets),
            "none of them is a primary",
            "drtool explain, if a run was at it; else drtool failover"
            f" {scope.runbook} --from {site}",
            "one primary",
        )
    for primary in primaries if len(primaries) == 1 else ():
        yield from _waits(primary, servers[primary])
        for target, one in servers.items():
            if target != primary:
                yield from _standby(scope, target, one, servers[primary])


def _waits(target: str, server: Server) -> Iterator[Finding]:
    """A primary that waits for standbys which are not there takes no write."""
    names = server.replication.synchronous_standby_names
    if names and not any(sender.sync_state in {"sync", "quorum"} for sender in server.senders):
        yield _AREA.problem(
            target,
            f"waits at each commit for '{names}', and no such standby streams",
            "bring the standby back, or ALTER SYSTEM SET synchronous_standby_names = '';"
            " SELECT pg_reload_conf()",
            "commits that do not hang",
        )


def _standby(scope: Scope, target: str, server: Server, primary: Server) -> Iterator[Finding]:
    """Whether it streams, from there, on the same timeline; another cluster is told elsewhere."""
    seen, first = server.replication, primary.replication
    reprotect = f"drtool reprotect {scope.runbook}"
    if seen.server_version // 10000 != first.server_version // 10000:
        yield _AREA.problem(
            target,
            f"is PostgreSQL {_version(server)}",
            "upgrade both to the same major version",
            _version(primary),
        )
    elif seen.system_identifier == first.system_identifier and not seen.streaming:
        yield _AREA.problem(
            target,
            "does not stream from its primary",
            f"look into its log and primary_conninfo; if it cannot catch up: {reprotect}",
            f"a standby of {first.place}",
        )
    elif seen.system_identifier == first.system_identifier:
        yield from _source(scope, target, server, first.place)
        if seen.timeline != first.timeline:
            yield _AREA.problem(
                target, f"is on timeline {seen.timeline}", reprotect, f"timeline {first.timeline}"
            )
        yield from _lag(scope, target, server, primary)


def _source(scope: Scope, target: str, server: Server, primary: str) -> Iterator[Finding]:
    """A name that is not the inventory's may be another server's."""
    address, receiver = scope.servers[primary].address, server.replication.receiver
    if receiver is not None and receiver.sender_host not in {None, address}:
        yield _AREA.warning(
            target,
            f"streams from {receiver.sender_host}",
            "correct its primary_conninfo, or write that name as the address in"
            f" {scope.inventory_path} if it is the same server",
            f"{address}, the address of {primary}",
        )


def _lag(scope: Scope, target: str, server: Server, primary: Server) -> Iterator[Finding]:
    """What a failover now would lose, by the newest heartbeat received."""
    seen, first = server.replication, primary.replication
    if seen.heartbeat is None or first.heartbeat is None or scope.rpo is None:
        return
    behind = (first.heartbeat.written_at - seen.heartbeat.written_at).total_seconds()
    if behind > scope.rpo.seconds:
        missing = max(0, (first.current or 0) - (seen.received or 0))
        yield _AREA.problem(
            target,
            f"is {seconds_text(behind)} and {bytes_text(missing)} behind: a failover now would be"
            " refused",
            "see what slows it down: SELECT * FROM pg_stat_replication at its primary",
            f"at most the RPO of {scope.rpo}",
        )


def _fine(server: Server) -> Finding:
    seen = server.replication
    said = f"{_version(server)}, {seen.role} on timeline {seen.timeline}"
    if seen.heartbeat is not None:
        age = max(0.0, (seen.now - seen.heartbeat.written_at).total_seconds())
        said += f", heartbeat {seconds_text(age)} old"
    return _AREA.well(seen.place, said)


def _version(server: Server) -> str:
    number = server.replication.server_version
    return f"{number // 10000}.{number % 10000}"
