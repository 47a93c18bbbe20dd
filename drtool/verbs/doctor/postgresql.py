"""PostgreSQL servers one by one: identity, our rights, settings, slots, what the host shows."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.connections.postgresql.readiness import Readiness
from drtool.errors import DrtoolError, Unreachable
from drtool.model.inventory import Postgresql
from drtool.model.postgresql_host import HostState
from drtool.safety.identity import reason_not_same_cluster
from drtool.safety.managers import reason_managed_elsewhere
from drtool.safety.processes import reason_managed
from drtool.units import bytes_text
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Seen, Server, answering

_AREA = Area.POSTGRESQL
_RELOAD = "SELECT pg_reload_conf()"
_DROP = "SELECT pg_drop_replication_slot('{}')"


def findings(scope: Scope, seen: Seen) -> Iterator[Finding]:
    """What is wrong with each server; how they stand together is told elsewhere."""
    for target, system in scope.servers.items():
        if not system.boot_guard:
            yield _unguarded(target, system)
        found, data = seen.servers.get(target), seen.data.get(target)
        if isinstance(found, DrtoolError):
            yield _unusable(target, system, found, scope, seen)
        elif found is not None:
            yield from _server(target, system, found, scope.inventory_path)
            if len(answering(seen.servers)) == len(scope.servers):
                yield from _idle_slots(found.readiness)
        if isinstance(data, DrtoolError):
            yield _AREA.told(data, f"look there: ls -ld {system.data_directory}")
        elif data is not None:
            yield from _data(target, system, data)


def _unguarded(target: str, system: Postgresql) -> Finding:
    return _AREA.warning(
        target,
        "has no boot guard: its fence does not survive a manual power-on",
        f"install the guard on {system.host} (docs/how-to/install.md), then boot_guard: true",
    )


def _unusable(
    target: str, system: Postgresql, error: DrtoolError, scope: Scope, seen: Seen
) -> Finding:
    """Start it, or see for oneself why it turns us away."""
    if isinstance(error, Unreachable):
        command = " ".join(system.start_command or ())
        cure = f"on {system.host}: {command or f'pg_ctl -D {system.data_directory} start'}"
        if not seen.primaries:
            site = target.partition(".")[0]
            cure += f"; if site {site} is lost: drtool failover {scope.runbook} --from {site}"
    else:
        psql = f"psql -h {system.address} -p {system.port} -U {system.user} {system.database}"
        cure = f"{error.hint or f'look into its log on {system.host}'}; try: {psql}"
    return _AREA.problem(error.subject, error.found, cure, error.expected)


def _server(
    target: str, system: Postgresql, found: Server, inventory_path: str
) -> Iterator[Finding]:
    yield from _identity(target, system, found, inventory_path)
    managed = reason_managed_elsewhere(target, found.managers)
    if managed is not None:
        said, _, cure = managed.partition("; ")
        yield _AREA.problem(target, said, cure, "nobody but drtool in charge")
    yield from _rights(found.readiness)
    yield from _settings(found.readiness)
    yield from _lost_slots(found.readiness)
    if found.replication.replay_paused:
        yield _AREA.problem(target, "replay is paused", "SELECT pg_wal_replay_resume()")


def _identity(
    target: str, system: Postgresql, found: Server, inventory_path: str
) -> Iterator[Finding]:
    real, written = found.replication.system_identifier, system.system_identifier
    if reason_not_same_cluster(target, real, written) is not None:
        said = f"is of the cluster {real}" if written else "the inventory has no system_identifier"
        yield _AREA.problem(
            target,
            said,
            f'in {inventory_path}, if it is the right one: system_identifier: "{real}"',
            written or real,
        )


def _rights(found: Readiness) -> Iterator[Finding]:
    lacks = [*found.missing, *found.missing_for_rewind]
    if lacks:
        yield _AREA.problem(
            found.place,
            f"user {found.user} lacks {', '.join(lacks)}",
            "; ".join(found.grants),
            "the rights to promote, to take slots and to rewind from it",
        )
    if found.role_trouble:
        said, _, cure = found.role_trouble.partition(": ")
        yield _AREA.problem(found.place, said, cure, f"{found.follower} may replicate from it")


def _settings(found: Readiness) -> Iterator[Finding]:
    settings = found.settings
    if not found.can_be_rewound:
        yield _AREA.warning(
            found.place,
            "neither data checksums nor wal_log_hints: pg_rewind refuses it, and once lost it can"
            " only be copied anew",
            "ALTER SYSTEM SET wal_log_hints = on; ALTER SYSTEM SET full_page_writes = on; then"
            " restart it",
        )
    if settings.get("max_slot_wal_keep_size") == "-1":
        yield _AREA.warning(
            found.place,
            "max_slot_wal_keep_size is -1: the slot of a dead site fills the disk",
            f"ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; {_RELOAD}",
        )
    for name in ("max_wal_senders", "max_replication_slots"):
        if settings.get(name) == "0":
            yield _AREA.problem(
                found.place,
                f"{name} is 0: it can have no standby",
                f"ALTER SYSTEM SET {name} = 10; then restart it",
            )
    if settings.get("wal_level") == "minimal":
        yield _AREA.problem(
            found.place,
            "wal_level is minimal: it can have no standby",
            "ALTER SYSTEM SET wal_level = replica; then restart it",
        )
    if found.archiving_fails:
        yield _AREA.warning(
            found.place,
            "its archive_command fails: a copy of it waits for ever, and WAL is kept",
            "SELECT * FROM pg_stat_archiver; mend what it names",
        )


def _lost_slots(found: Readiness) -> Iterator[Finding]:
    for slot in found.slots:
        if slot.lost and not slot.active:
            yield _AREA.problem(
                found.place,
                f"slot {slot.name} has lost its WAL",
                f"drtool reprotect makes it anew; else {_DROP.format(slot.name)}",
            )


def _idle_slots(found: Readiness) -> Iterator[Finding]:
    """Slots that nobody uses; while a server is away, its slot is waiting for it."""
    for slot in found.slots:
        if not slot.active and not slot.lost:
            kept = bytes_text(slot.kept_bytes or 0)
            yield _AREA.warning(
                found.place,
                f"nobody uses slot {slot.name}, which keeps {kept} of WAL",
                f"bring its standby back, or {_DROP.format(slot.name)}",
            )


def _data(target: str, system: Postgresql, state: HostState) -> Iterator[Finding]:
    """What the host shows: what a fence over SSH would have to do with."""
    subject = f"{target} on {system.host}"
    if state.directory is None:
        yield _AREA.problem(
            subject,
            f"{state.data_directory} is not there",
            "correct data_directory in the inventory",
            "a data directory",
        )
    elif state.control is None:
        yield _AREA.problem(
            subject,
            state.control_trouble,
            "correct bin_directory in the inventory",
            "pg_controldata's answer",
        )
    elif state.held:
        yield _AREA.problem(
            subject,
            "its data directory is half rewound or copied",
            "drtool reprotect, or drtool explain",
        )
    if state.hidden:
        pids = ", ".join(map(str, state.hidden))
        yield _AREA.problem(
            subject,
            f"our user may not look into the server processes {pids}: no fence over SSH is proven",
            f"let hosts.{system.host}.ssh.user be the user that runs PostgreSQL",
        )
    managed = reason_managed(state)
    if managed is not None:
        said, _, cure = managed.removeprefix(f"{target}: ").partition("; ")
        yield _AREA.problem(subject, said, cure, "nobody but drtool in charge")
