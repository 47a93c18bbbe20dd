"""Judge from what its host shows whether a PostgreSQL server can still write."""

from __future__ import annotations

from drtool.model.postgresql_host import IN_ARCHIVE_RECOVERY, HostState
from drtool.safety.identity import reason_not_same_cluster

_HOW = ", in an ssh.run step or by hand"
VERBS = {
    "patroni": "patroni.fence or patroni.demote, with `kind: patroni` in the inventory",
    "repmgrd": "repmgr standby switchover, or repmgr standby promote at the other site" + _HOW,
    "pg_autoctl": "pg_autoctl perform failover or pg_autoctl perform switchover" + _HOW,
    "stolon-keeper": "stolonctl failkeeper" + _HOW,
}


def reason_managed(state: HostState) -> str | None:
    """A sentence when another tool is in charge of the server, naming its own verb."""
    if not state.manager:
        return None
    verb = VERBS.get(state.manager, "its own command")
    return (
        f"{state.place}: {state.manager} runs on its host and is in charge; it would undo what "
        f"drtool does. Use {verb}"
    )


def reason_able_to_write(state: HostState, identity: str | None) -> str | None:
    """A sentence unless the server is shown unable to write, now and after any restart.

    Fenced is: no server process of this data directory, and ``standby.signal`` in it; or one
    that came up since as a standby, with all its processes children of that postmaster. A
    closed port, a missing pid file or a stopped postmaster show nothing.
    """
    if state.directory is None or state.control is None:
        return f"{state.place}: {state.control_trouble or 'its data directory is not there'}"
    stranger = reason_not_same_cluster(state.place, state.control.system_identifier, identity)
    if stranger is not None:
        return stranger
    if state.hidden:
        pids = ", ".join(str(pid) for pid in state.hidden)
        return (
            f"{state.place}: server processes that our user may not look into: {pids}; "
            "let drtool log in as the user that runs PostgreSQL, or as root"
        )
    if state.running:
        return _reason_not_harmless(state, state.control.state)
    if not state.standby_signal:
        return (
            f"{state.place}: no server runs, but nothing keeps a supervisor or an operator from "
            "starting it again as a primary: standby.signal is missing"
        )
    return None


def _reason_not_harmless(state: HostState, cluster_state: str) -> str | None:
    """A sentence unless the running server is wholly a standby."""
    count = len(state.processes)
    orphans = [
        process.pid
        for process in state.processes
        if state.postmaster not in {process.pid, process.parent}
    ]
    if state.postmaster is None or orphans:
        return (
            f"{state.place}: {len(orphans) or count} server process(es) without a postmaster "
            "still run and may commit"
        )
    if cluster_state != IN_ARCHIVE_RECOVERY or not state.standby_signal:
        return f"{state.place}: {count} server processes run, {cluster_state}"
    return None
