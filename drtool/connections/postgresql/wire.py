"""One PostgreSQL session with time limits of its own; a statement for each call."""

from __future__ import annotations

import math
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

from drtool.connections.patroni import leader_of
from drtool.connections.postgresql.dial import Row, dial
from drtool.connections.postgresql.trouble import statement_trouble
from drtool.errors import BadInput, DrtoolError, StepFailed, Unreachable
from drtool.model.inventory import Patroni, Postgresql

if TYPE_CHECKING:
    import psycopg

    from drtool.connections.reach import Context

STATEMENT_SECONDS = 5.0
_MARGIN = 0.2
_SETTINGS = {
    "statement_timeout": f"{int(STATEMENT_SECONDS * 1000)}",
    "lock_timeout": "2000",
    "timezone": "UTC",
    "datestyle": "ISO",
    "search_path": "pg_catalog,public",
    # the server notices a dead holder of our locks within 15 s
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "12000",
}


def find_system(target: str, context: Context) -> tuple[Postgresql, str]:
    """The server that a target names, and the address where it listens; a cluster's leader."""
    if isinstance(context.inventory.system(target), Patroni) and target.count(".") == 1:
        target = leader_of(target, context)
    system = context.inventory.server(target)
    if system is None or system.address is None:
        known = [f"{s}.{n}" for s, held in context.inventory.sites.items() for n in held.systems]
        raise BadInput(
            f"postgresql {target}", "not in the inventory", " or ".join(known) or "a system there"
        )
    return system, system.address


class Wire:
    """A connection that is used by one statement at a time, each within a time limit.

    Nothing here reconnects: a broken session has lost its locks and settings, and whoever uses
    it must know.
    """

    def __init__(self, place: str, connection: Any) -> None:
        self.place, self._connection = place, connection
        self._turn = threading.RLock()
        self._only_local, self._ready = False, set[str]()
        connection.add_notice_handler(self._hear)

    @classmethod
    def open(cls, target: str, context: Context, name: str = "drtool") -> Wire:
        """Connect within the context's time limit, whatever the network does.

        Raises Unreachable, or AccessDenied when the server turns us away.
        """
        system, address = find_system(target, context)
        where = f"{address}:{system.port}"
        secret = context.secrets.resolve(system.password) if system.password else None
        arguments = {
            "host": address,
            "port": system.port,
            "user": system.user,
            "dbname": system.database,
            "password": secret,
            "sslmode": system.sslmode,
            "sslrootcert": system.sslrootcert,
            "application_name": name[:63],
            "connect_timeout": math.ceil(context.connect_seconds) + 1,
            "keepalives_idle": 5,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 12000,
            "options": " ".join(f"-c {key}={value}" for key, value in _SETTINGS.items()),
        }
        given = {key: value for key, value in arguments.items() if value is not None}
        return cls(target, dial(f"postgresql {target}", where, given, context.connect_seconds))

    @property
    def broken(self) -> bool:
        """Whether the session has ended."""
        return bool(self._connection.closed)

    def rows(
        self,
        what: str,
        sql: LiteralString,
        parameters: Sequence[Any] = (),
        seconds: float = STATEMENT_SECONDS,
    ) -> list[Row]:
        """Run one statement; ``what`` names it in errors.

        Raises Unreachable when the session is lost or does not answer in time, AccessDenied
        when a right is missing, BadInput for what does not exist and will not come by replay,
        StepFailed when the statement fails otherwise.
        """
        import psycopg  # noqa: PLC0415 - heavy, and this module is read before it is needed

        with self._turn:
            self._only_local = False
            try:
                self._connection.allow(seconds + _MARGIN)
                if seconds != STATEMENT_SECONDS:
                    self._set_limit(seconds)
                cursor = self._connection.execute(sql, parameters or None)
                found = cursor.fetchall() if cursor.description else []
                if seconds != STATEMENT_SECONDS:
                    self._set_limit(STATEMENT_SECONDS)
            except TimeoutError as error:
                self.close()
                raise Unreachable(
                    f"postgresql {self.place}", f"{what}: no answer within {seconds:g} s"
                ) from error
            except psycopg.Error as error:
                raise self._trouble(what, error) from error
            if self._only_local:
                raise StepFailed(
                    f"postgresql {self.place}",
                    f"{what}: committed here, but no synchronous standby confirmed it",
                    "commits that do not hang",
                    "ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf()",
                )
            return found

    @contextmanager
    def asked(
        self, what: str, prepare: LiteralString, name: str, number: int
    ) -> Iterator[Callable[[], int]]:
        """Send a statement that is kept ready, and take its count of rows when it is wanted.

        ``prepare`` makes the statement called ``name`` ready, once. Taking the answer raises
        Unreachable or StepFailed. A session that is left before its answer was taken is ended.
        """
        with self._turn:
            if name not in self._ready:
                self.rows(what, prepare)
                self._ready.add(name)
            talk, taken = self._connection.pgconn, []
            end = time.monotonic() + STATEMENT_SECONDS

            def answer() -> int:
                taken.append(True)
                return self._counted(what, end)

            try:
                with self._told(what):
                    talk.send_query_prepared(name.encode(), [str(number).encode()])
                    talk.flush()
                yield answer
            finally:
                if not taken:
                    self.close()

    def row(self, what: str, sql: LiteralString, parameters: Sequence[Any] = ()) -> Row:
        """The first row of a statement that always gives one."""
        return self.rows(what, sql, parameters)[0]

    def close(self) -> None:
        """End the session, at once; never raises."""
        self._connection.close()

    def _counted(self, what: str, end: float) -> int:
        """The rows of the statement that was sent."""
        talk = self._connection.pgconn
        with self._told(what):
            while talk.is_busy():
                left = end - time.monotonic()
                if left <= 0 or not select.select([talk.socket], [], [], left)[0]:
                    self.close()
                    raise Unreachable(
                        f"postgresql {self.place}",
                        f"{what}: no answer within {STATEMENT_SECONDS:g} s",
                    )
                talk.consume_input()
            found = talk.get_result()
            while talk.get_result() is not None:
                pass
        if found is None or found.error_message:
            said = found.get_error_message() if found is not None else "no answer"
            raise StepFailed(f"postgresql {self.place}", f"{what}: {' '.join(said.split())}")
        return int(found.ntuples)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn what psycopg raises into what drtool says."""
        import psycopg  # noqa: PLC0415 - heavy, and this module is read before it is needed

        try:
            yield
        except psycopg.Error as error:
            raise self._trouble(what, error) from error

    def _set_limit(self, seconds: float) -> None:
        self._connection.execute(
            "SELECT set_config('statement_timeout', %s, false)", (str(int(seconds * 1000)),)
        )

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        # a cancelled wait for a synchronous standby is told as a warning, with no code of its own
        if notice.severity_nonlocalized != "WARNING" or notice.sqlstate != "01000":
            return
        if self._connection.asked or "synchronous" in (notice.message_primary or ""):
            self._only_local = True

    def _trouble(self, what: str, error: BaseException) -> DrtoolError:
        if self.broken:
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            return Unreachable(f"postgresql {self.place}", f"{what}: the session ended: {text}")
        # told by the server itself since PostgreSQL 14; unknown counts as a standby
        standby = self._connection.info.parameter_status("in_hot_standby") != "off"
        return statement_trouble(self.place, what, error, standby=standby)
