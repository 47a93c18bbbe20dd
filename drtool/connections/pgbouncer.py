"""PgBouncer through its admin console, which speaks PostgreSQL's simple query protocol only."""

from __future__ import annotations

import math
import threading
from typing import Any, Self

from drtool.connections.postgresql.dial import dial
from drtool.connections.postgresql.trouble import one_line
from drtool.connections.reach import Context, Reader, Writer
from drtool.errors import BadInput, StepFailed, Unreachable
from drtool.model.inventory import Pgbouncer
from drtool.model.pgbouncer import Bouncer, Pool

SECONDS = 3.0
# PAUSE answers when the last transaction is over; what is asked for lasts without its session.
PAUSE_SECONDS = 0.2
Rows = list[dict[str, Any]]


class PgbouncerReader(Reader):
    """Reads of one PgBouncer; a lost session is opened again, once for each read."""

    def __init__(self, target: str, system: Pgbouncer, context: Context) -> None:
        self.target, self.system, self.context = target, system, context
        self.subject = f"pgbouncer {target}"
        self._turn = threading.RLock()
        self._session: Any = None

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Connect to the console of the PgBouncer ``site.system``.

        Raises Unreachable when it does not answer in time, AccessDenied when it turns us away.
        """
        system = context.inventory.system(target)
        if not isinstance(system, Pgbouncer):
            raise BadInput(f"pgbouncer {target}", "the inventory has no PgBouncer there")
        reader = cls(target, system, context)
        reader.rows("SHOW VERSION")
        return reader

    def close(self) -> None:
        """End the session; never raises."""
        if self._session is not None:
            self._session.close()

    def state(self) -> Bouncer:
        """The service's databases as PgBouncer has them."""
        found = {row["name"]: row for row in self.rows("SHOW DATABASES")}
        pools, clients = self.rows("SHOW POOLS"), self.rows("SHOW CLIENTS")
        servers = self.rows("SHOW SERVERS")
        wanted = self.system.databases
        return Bouncer(
            place=self.target,
            at=self.context.clock.wall(),
            pools=tuple(
                _pool(found[name], pools, servers, clients) for name in wanted if name in found
            ),
            missing=tuple(name for name in wanted if name not in found),
        )

    def rows(self, command: str) -> Rows:
        """The rows that one of the console's commands gives, by the names of its columns."""
        with self._turn:
            if self._session is None or self._session.closed:
                self._session = self._connect()
            return self._run(self._session, command)

    def _connect(self) -> Any:
        system, site = self.system, self.target.partition(".")[0]
        address = system.address or self.context.inventory.sites[site].address
        seconds = self.context.connect_seconds
        given = {
            "host": address,
            "port": system.port,
            "user": system.user,
            "dbname": "pgbouncer",
            "password": self.context.secrets.resolve(system.password) if system.password else None,
            "sslmode": system.sslmode,
            "sslrootcert": system.sslrootcert,
            "connect_timeout": math.ceil(seconds) + 1,
        }
        arguments = {key: value for key, value in given.items() if value is not None}
        return dial(self.subject, f"{address}:{system.port}", arguments, seconds)

    def _run(self, session: Any, command: str, seconds: float = SECONDS) -> Rows:
        """One command, within a time limit at which nothing is cancelled."""
        import psycopg  # noqa: PLC0415 - imported already by `dial`

        try:
            session.allow(seconds, cancel=False)
            cursor = session.execute(command)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor] if names else []
        except TimeoutError as error:
            session.close()
            raise Unreachable(self.subject, f"{command}: no answer within {seconds:g} s") from error
        except psycopg.Error as error:
            kind = Unreachable if session.closed else StepFailed
            raise kind(self.subject, f"{command}: {one_line(error)}") from error


class PgbouncerHands(PgbouncerReader, Writer):
    """Changes of one PgBouncer."""

    def pause(self, database: str) -> None:
        """Ask for a pause; it may come about only when the last transaction is over.

        The session that asks is one of its own: it hears nothing else until then.
        """
        session = self._connect()
        try:
            self._run(session, f"PAUSE {_name(database)}", PAUSE_SECONDS)
        except Unreachable:
            if not session.closed:
                raise
        finally:
            session.close()

    def resume(self, database: str) -> None:
        """End a pause."""
        self.rows(f"RESUME {_name(database)}")

    def reload(self) -> None:
        """Have it read its configuration anew."""
        self.rows("RELOAD")


def _name(database: str) -> str:
    """A database's name as the console takes it."""
    return '"' + database.replace('"', '""') + '"'


def _pool(database: dict[str, Any], pools: Rows, servers: Rows, clients: Rows) -> Pool:
    """One database from the console's four tables; PgBouncer's documentation, "Show commands"."""
    name = database["name"]
    own = [row for row in pools if row["database"] == name]
    used = [row for row in servers if row["database"] == name]
    linked = {row["link"] for row in used if row["link"]}
    return Pool(
        database=name,
        host=database["host"] or "",
        port=database["port"] or 0,
        paused=bool(database["paused"]),
        disabled=bool(database["disabled"]),
        servers=len(used),
        busy=tuple(_client(row) for row in clients if row["ptr"] in linked),
        waiting=sum(row["cl_waiting"] for row in own),
        mode=database["pool_mode"] or next((row["pool_mode"] for row in own), ""),
    )


def _client(row: dict[str, Any]) -> str:
    """Who keeps a connection: user, address, and what it calls itself."""
    name = f" ({row['application_name']})" if row.get("application_name") else ""
    return f"{row['user']} at {row['addr']}:{row['port']}{name}"
