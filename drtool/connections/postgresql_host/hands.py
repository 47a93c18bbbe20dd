"""What is done on a PostgreSQL server's host."""

from __future__ import annotations

from drtool.connections.postgresql_host.reader import PostgresqlHostReader
from drtool.connections.reach import Writer
from drtool.errors import AccessDenied, Refused, StepFailed
from drtool.model.postgresql_host import HostState

# One look of the script's waiting loop: a pause of 5 ms and the cost of starting `sleep`.
_LOOK_SECONDS = 0.0065
# What the script may take beyond the drain: looking, three rounds of killing, syncing the signal.
_KILL_SECONDS = 8.0
_OTHER_CLUSTER, _NO_SIGNAL, _NO_RIGHT = 45, 46, 47


class PostgresqlHostHands(PostgresqlHostReader, Writer):
    """Stops, writes to and starts one server, through its host."""

    def stop(
        self, identifier: str, note: str, drain: float, *, kill: bool, seconds: float | None = None
    ) -> HostState:
        """Write ``standby.signal``, stop fast, and tell what is left; one command in all.

        Nothing is touched unless the data directory bears the system ``identifier``. The fast
        stop lets connected standbys have the shutdown checkpoint and is waited for during
        ``drain`` seconds; after that, with ``kill``, every server process of the data directory
        is ended. Raises Refused for another cluster, AccessDenied without the right to signal,
        Unreachable when no answer came: look again then.
        """
        looks = max(1, round(drain / _LOOK_SECONDS))
        limit = drain + _KILL_SECONDS if seconds is None else seconds
        how = "hard" if kill else ""
        ran = self._script("stop", limit, identifier, " ".join(note.split()), str(looks), how)
        subject = f"host of {self.target}"
        if ran.code == _OTHER_CLUSTER:
            found = ran.out.partition("identifier ")[2].strip()
            raise Refused(
                subject,
                f"its data directory bears the system identifier {found}",
                f"{identifier}; nothing was stopped",
                "compare data_directory and system_identifier in the inventory",
            )
        if ran.code == _NO_SIGNAL:
            raise StepFailed(subject, f"standby.signal cannot be written: {ran.said()}")
        if ran.code == _NO_RIGHT:
            raise AccessDenied(
                subject,
                f"the postmaster cannot be signalled: {ran.said()}",
                "to log in as the user that runs PostgreSQL, or as root",
            )
        return self._reported(ran)
