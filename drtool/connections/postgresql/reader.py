"""Typed reads of one PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar

from drtool.connections.postgresql import statements as sql
from drtool.connections.postgresql.dial import Row
from drtool.connections.postgresql.wire import STATEMENT_SECONDS, Wire
from drtool.connections.reach import Context, Reader
from drtool.errors import AccessDenied, BadInput, StepFailed, Unreachable
from drtool.model.replication import (
    Heartbeat,
    Holder,
    ManagerSign,
    Replication,
    Sample,
    Sender,
    TableSum,
)

T = TypeVar("T")
_SIGNED = 1 << 63


class PostgresqlReader(Reader):
    """Reads of one server; a lost session is opened again, once for each read.

    ``sample`` is the last position that this server gave as a primary, by drtool's clock: it
    outlives the server.
    """

    def __init__(self, target: str, context: Context, wire: Wire) -> None:
        self.target, self.context, self._wire = target, context, wire
        self.sample: Sample | None = None

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Connect within the context's time limit, and read once.

        The first read fills the server's caches, which would cost milliseconds of an outage
        later, and takes the first sample. Raises Unreachable when the server does not answer,
        AccessDenied when it turns us away.
        """
        reader = cls(target, context, Wire.open(target, context, f"drtool {context.run}".strip()))
        with suppress(StepFailed, AccessDenied, BadInput, Unreachable):
            reader.replication()
            reader.managers()
        return reader

    def close(self) -> None:
        """End the session; never raises."""
        self._wire.close()

    @property
    def lost(self) -> bool:
        """Whether the session has ended, as far as is known without asking."""
        return self._wire.broken

    def replication(self) -> Replication:
        """The server's role, identity, positions and last news from its primary.

        A server that calls itself a primary while its other answers say that it is in recovery
        is taken for a standby.
        """
        return self._again(self._replication)

    def in_recovery(self) -> bool:
        """Whether any of the server's answers says that it is in recovery; the quickest read."""
        found = self._rows("role", sql.IN_RECOVERY)[0]
        return any(found)

    def senders(self) -> tuple[Sender, ...]:
        """The standbys that stream from this server, as it sees them."""
        rows = self._rows("walsenders", sql.SENDERS)
        return tuple(Sender.model_validate(dict(zip(sql.SENDER_FIELDS, row, strict=True)))
                     for row in rows)  # fmt: skip

    def settings(self, *names: str) -> dict[str, str]:
        """The values in effect of the named settings, without those that we may not see."""
        rows = self._rows("settings", sql.SETTINGS, (list(names),))
        return {name: value for name, value in rows if value is not None}

    def emptied_standby_names(self) -> str:
        """The synchronous_standby_names that its promotion emptied, where they were kept."""
        return str(self._rows("what was emptied", sql.EMPTIED)[0][0])

    def slots(self) -> dict[str, bool]:
        """The physical replication slots, and whether each is in use."""
        return dict(self._rows("replication slots", sql.SLOTS))

    def managers(self) -> tuple[ManagerSign, ...]:
        """Signs of cluster managers that are in charge here."""
        rows = self._rows("managers", sql.MANAGERS)
        return tuple(ManagerSign(manager=name, sign=sign) for name, sign in rows)

    def who_holds(self, key: int) -> Holder | None:
        """Who holds an advisory lock, or None."""
        found = self._rows("lock", sql.WHO_HOLDS, (bigint(key),))
        if not found:
            return None
        pid, name, since = found[0]
        return Holder(pid=pid, application_name=name, since=since)

    def table_sum(self, table: str, seconds: float = STATEMENT_SECONDS) -> TableSum:
        """Count and checksum a table, named as ``table`` or ``schema.table``."""
        from psycopg import sql as compose  # noqa: PLC0415 - heavy, read only when used

        query = compose.SQL(sql.TABLE_SUM).format(compose.Identifier(*table.split(".")))
        rows, checksum = self._rows(f"table {table}", query, (), seconds)[0]
        return TableSum(table=table, rows=rows, checksum=str(checksum))

    def find_marked(self, table: str, column: str, mark: str) -> int:
        """How many rows of a table bear a mark in a text column."""
        from psycopg import sql as compose  # noqa: PLC0415 - heavy, read only when used

        query = compose.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(
            compose.Identifier(*table.split(".")), compose.Identifier(column)
        )
        return int(self._rows(f"table {table}", query, (mark,))[0][0])

    def _replication(self) -> Replication:
        asked = self.context.clock.wall()
        try:
            row = self._wire.row("replication", sql.REPLICATION)
        except StepFailed as error:
            if "recovery" not in error.found:
                raise
            row = self._wire.row("replication", sql.REPLICATION_OF_LIAR)
        found = dict(zip(sql.REPLICATION_FIELDS, row, strict=True))
        has_heartbeat = found.pop("has_heartbeat")
        found["heartbeat"] = self._heartbeat() if has_heartbeat else None
        receiver = {key: found.pop(f"receiver_{key}") for key in sql.RECEIVER_FIELDS}
        found["receiver"] = receiver if receiver["status"] else None
        if found["in_recovery"] and not receiver["status"]:
            found["timeline"] = max(found["timeline"], self._newest_wal())
        seen = Replication.model_validate({"place": self.target, **found})
        if seen.current is not None:
            self.sample = Sample(position=seen.current, timeline=seen.timeline, at=asked)
        return seen

    def _newest_wal(self) -> int:
        """The greatest timeline of the WAL files; 0 where we may not list them (pg_monitor)."""
        try:
            return int(self._wire.row("WAL files", sql.NEWEST_WAL)[0] or 0)
        except AccessDenied:
            return 0

    def _heartbeat(self) -> Heartbeat | None:
        try:
            rows = self._wire.rows("heartbeat", sql.HEARTBEAT)
        except BadInput as error:
            hint = "at the primary: DROP TABLE drtool.heartbeat; `drtool heartbeat` makes it anew"
            raise BadInput(
                error.subject, error.found, "the table that drtool makes", hint
            ) from error
        if not rows:
            return None
        written_at, position, synchronous = rows[0]
        return Heartbeat(
            written_at=written_at, position=position, synchronous=tuple(synchronous or ())
        )

    def _rows(
        self,
        what: str,
        statement: Any,
        parameters: Sequence[Any] = (),
        seconds: float = STATEMENT_SECONDS,
    ) -> list[Row]:
        return self._again(lambda: self._wire.rows(what, statement, parameters, seconds))

    def _again(self, read: Callable[[], T]) -> T:
        """Read; if the session was lost, open another one and read once more."""
        try:
            return read()
        except Unreachable:
            if not self._wire.broken:
                raise
            self._reconnect()
            return read()

    def _reconnect(self) -> None:
        self._wire = Wire.open(self.target, self.context, f"drtool {self.context.run}".strip())


def bigint(key: int) -> int:
    """An advisory lock's key as PostgreSQL's signed bigint."""
    return (key + _SIGNED) % (2 * _SIGNED) - _SIGNED
