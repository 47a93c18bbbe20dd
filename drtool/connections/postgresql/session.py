"""One PostgreSQL session that can hold the lease, promote and write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from drtool.connections.postgresql import statements as sql
from drtool.connections.postgresql.reader import PostgresqlReader, bigint
from drtool.connections.postgresql.wire import Wire
from drtool.connections.reach import Context, Writer
from drtool.errors import AccessDenied, BadInput, StepFailed
from drtool.model.replication import Holder

POLL_SECONDS = 0.003
ASK_AGAIN_SECONDS = 0.03
PROMOTE_SECONDS = 10.0
CHECKPOINT_SECONDS = 300.0
_SYNCHRONOUS = "synchronous_standby_names"
_EMPTIED = f"drtool.{_SYNCHRONOUS}"
_CHANGEABLE = frozenset({_SYNCHRONOUS, _EMPTIED, "primary_conninfo", "primary_slot_name"})


class PostgresqlSession(PostgresqlReader, Writer):
    """One autocommit session; never opened again behind its user's back, for it may hold a lock.

    Once the session is lost every method raises Unreachable.
    """

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Connect within the context's time limit, to a session that nothing opens again.

        Raises Unreachable when the server does not answer, AccessDenied when it turns us away.
        """
        return cls(target, context, Wire.open(target, context, f"drtool {context.run}".strip()))

    def try_lock(self, key: int) -> bool:
        """Take a session advisory lock, also on a hot standby; False when somebody holds it."""
        return bool(self._rows("lock", "SELECT pg_try_advisory_lock(%s)", (bigint(key),))[0][0])

    def unlock(self, key: int) -> None:
        """Give a session advisory lock back."""
        self._rows("unlock", "SELECT pg_advisory_unlock(%s)", (bigint(key),))

    def end_holder(self, key: int, holder: Holder) -> bool:
        """End the session that holds a lock, if it is still that one; whether it was told to.

        Raises AccessDenied when our user may not end another's session.
        """
        words = (bigint(key), holder.pid, holder.since)
        return any(row[0] for row in self._rows("end the holder's session", sql.END_HOLDER, words))

    def holds(self, key: int) -> bool:
        """Whether this very session holds the lock, by the server's own table."""
        with self.asked_whether_it_holds(key) as answer:
            return answer()

    @contextmanager
    def asked_whether_it_holds(self, key: int) -> Iterator[Callable[[], bool]]:
        """Ask, and take the answer later: others can be asked meanwhile.

        A server that has been idle takes longest to wake up. Left without an answer taken, the
        session is ended.
        """
        with self._wire.asked("lock", sql.HOLDS, "drtool_holds", bigint(key)) as answer:
            yield lambda: bool(answer())

    def token(self) -> str:
        """The session's backend start and pid: another session has another one, later ones greater.

        Asked of the server each time, so that a lost session raises Unreachable.
        """
        return str(self._rows("token", sql.WHO_AM_I)[0][0])

    def set_name(self, text: str) -> None:
        """Say in ``application_name`` who holds this session; at most 63 bytes are kept."""
        self._rows("name", "SELECT set_config('application_name', %s, false)", (text[:63],))

    def promote(self, seconds: float = PROMOTE_SECONDS) -> bool:
        """Ask for the promotion and poll until the server has left recovery; whether it has.

        ``pg_promote(true)`` looks only every 100 ms. Asking again while a promotion is under way
        does no harm, and is needed: a request that arrives just when the walreceiver dies is
        slept over for wal_retrieve_retry_interval, five seconds (seen on 17.10).
        """
        end = time.monotonic() + seconds
        while True:
            try:
                self._rows("pg_promote", sql.PROMOTE)
            except StepFailed:
                # an error, too, when the server leaves recovery between two clauses
                if self.in_recovery():
                    raise
            again = time.monotonic() + ASK_AGAIN_SECONDS
            while time.monotonic() < again:
                if not self.in_recovery():
                    return True
                time.sleep(POLL_SECONDS)
            if time.monotonic() > end:
                return False

    def write_through(self, text: str, seconds: float = 5.0) -> int:
        """Commit a record that touches no table, and return its position in the WAL.

        Raises StepFailed when the server takes no writes or no synchronous standby confirms.
        """
        statement = "SELECT pg_logical_emit_message(true, 'drtool', %s) - '0/0'::pg_lsn"
        return int(self._rows("write", statement, (text,), seconds)[0][0])

    def checkpoint(self) -> None:
        """Make a checkpoint; pg_rewind wants one on a freshly promoted source."""
        self._rows("checkpoint", "CHECKPOINT", (), CHECKPOINT_SECONDS)

    def empty_standby_names(self) -> None:
        """Have commits wait for no standby; for whom they waited is kept, where we may."""
        names = self.settings(_SYNCHRONOUS).get(_SYNCHRONOUS, "")
        with suppress(AccessDenied, StepFailed):
            self._rows("what was emptied", sql.KNOW_EMPTIED)
            self.alter_system(_EMPTIED, names)
        self.alter_system(_SYNCHRONOUS, "")

    def restore_standby_names(self, names: str) -> None:
        """Have commits wait for these standbys again."""
        self.alter_system(_SYNCHRONOUS, names)
        self.forget_standby_names()

    def forget_standby_names(self) -> None:
        """Keep no longer for whom commits waited before they were emptied."""
        self._rows("what was emptied", sql.KNOW_EMPTIED)
        self.alter_system(_EMPTIED, None)

    def alter_system(self, name: str, value: str | None) -> None:
        """Set a replication setting for good, None for its default; works on a standby, too."""
        from psycopg import sql as compose  # noqa: PLC0415 - heavy, read only when used

        if name not in _CHANGEABLE:
            raise BadInput(f"postgresql {self.target}", f"{name} is not ours to change")
        setting = compose.Identifier(*name.split("."))
        statement = compose.SQL("ALTER SYSTEM RESET {}").format(setting)
        if value is not None:
            statement = compose.SQL("ALTER SYSTEM SET {} = {}").format(setting, value)
        self._rows(f"ALTER SYSTEM SET {name}", statement)
        self._rows("pg_reload_conf", "SELECT pg_reload_conf()")

    def create_slot(self, name: str) -> bool:
        """Create a physical replication slot that keeps WAL from now on; False if it is there.

        One whose WAL is gone is of no use to anybody and made anew.
        """
        if name in self.slots():
            if not self._rows(f"replication slot {name}", sql.LOST_SLOT, (name,)):
                return False
            self.drop_slot(name)
        statement = "SELECT pg_create_physical_replication_slot(%s, true)"
        self._rows(f"replication slot {name}", statement, (name,))
        return True

    def drop_slot(self, name: str) -> bool:
        """Drop a physical replication slot that nobody uses; False if there is none."""
        if name not in self.slots():
            return False
        self._rows(f"replication slot {name}", "SELECT pg_drop_replication_slot(%s)", (name,))
        return True

    def resume_replay(self) -> None:
        """Let a paused replay go on."""
        self._rows("resume replay", "SELECT pg_wal_replay_resume()")

    def probe_write(self, mark: str, seconds: float = 5.0) -> None:
        """Write a marked row, read it back and remove it, each in a commit of its own.

        Raises StepFailed when the server does not take it, or not in time.
        """
        self._rows("probe table", sql.PROBE_TABLE, (), seconds)
        self._rows("probe row", sql.PROBE_WRITE, (mark,), seconds)
        found = self._rows("probe row", sql.PROBE_READ, (mark,), seconds)
        self._rows("probe row", sql.PROBE_CLEAN, (mark,), seconds)
        if not found:
            raise StepFailed(
                f"postgresql {self.target}", "a committed row cannot be read back", "one row"
            )

    def create_heartbeat_table(self) -> None:
        """Create the table of heartbeats where there is none."""
        self._rows("heartbeat table", sql.HEARTBEAT_TABLE)

    def write_heartbeat(self, service: str) -> None:
        """Write the service's heartbeat row, with this server's clock and position."""
        self._rows("heartbeat", sql.HEARTBEAT_WRITE, (service,))

    def _reconnect(self) -> None:
        """A session that may hold a lock is never opened again."""

    def _again(self, read: Any) -> Any:
        return read()
