"""One PostgreSQL session with time limits of its own; a statement for each call."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from drtool.connections.postgresql.trouble import connect_trouble, statement_trouble
from drtool.errors import BadInput, DrtoolError, MissingExtra, StepFailed, Unreachable
from drtool.model.inventory import Postgresql

if TYPE_CHECKING:
    import psycopg

    from drtool.connections.reach import Context

Row = tuple[Any, ...]
STATEMENT_SECONDS = 5.0
_MARGIN = 0.2
_CANCEL_SECONDS = 1.0
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
    """The system that ``site.system`` names, and the address where it listens."""
    site_name, _, name = target.partition(".")
    site = context.inventory.sites.get(site_name)
    system = site.systems.get(name) if site else None
    if site is None or system is None:
        known = [f"{s}.{n}" for s, held in context.inventory.sites.items() for n in held.systems]
        raise BadInput(
            f"postgresql {target}", "not in the inventory", " or ".join(known) or "a system there"
        )
    return system, system.address or site.address


class Wire:
    """A connection that is used by one statement at a time, each within a time limit.

    Nothing here reconnects: a broken session has lost its locks and settings, and whoever uses
    it must know.
    """

    def __init__(self, place: str, connection: Any) -> None:
        self.place, self._connection = place, connection
        self._turn = threading.RLock()
        self._only_local = False
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
            "connect_timeout": max(1, math.ceil(context.connect_seconds)),
            "keepalives_idle": 5,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 12000,
            "options": " ".join(f"-c {key}={value}" for key, value in _SETTINGS.items()),
        }
        given = {key: value for key, value in arguments.items() if value is not None}
        return cls(target, _connect(target, where, given, context.connect_seconds))

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
        when a right is missing, StepFailed when the statement itself fails.
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

    def row(self, what: str, sql: LiteralString, parameters: Sequence[Any] = ()) -> Row:
        """The first row of a statement that always gives one."""
        return self.rows(what, sql, parameters)[0]

    def close(self) -> None:
        """End the session, at once; never raises."""
        self._connection.close()

    def _set_limit(self, seconds: float) -> None:
        self._connection.execute(
            "SELECT set_config('statement_timeout', %s, false)", (str(int(seconds * 1000)),)
        )

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        # a cancelled wait for a synchronous standby is told as a warning, not as an error
        if notice.sqlstate == "57014":
            self._only_local = True

    def _trouble(self, what: str, error: BaseException) -> DrtoolError:
        if self.broken:
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            return Unreachable(f"postgresql {self.place}", f"{what}: the session ended: {text}")
        return statement_trouble(self.place, what, error)


def _connect(place: str, where: str, arguments: dict[str, Any], seconds: float) -> Any:
    """Connect on a thread of its own: name resolution and TLS have no limit that libpq keeps."""
    try:
        import psycopg  # noqa: PLC0415 - heavy, and an optional extra
    except ImportError as error:
        raise MissingExtra(f"postgresql {place}", "postgresql") from error

    class Limited(psycopg.Connection[Row]):
        """A connection whose waits end at a limit, even if the server is frozen.

        At the limit the server is asked to cancel, which keeps the session and its locks; a
        second later the wait ends with TimeoutError. PostgreSQL's statement_timeout does not
        cover a commit that waits for a synchronous standby.
        """

        limit = math.inf
        asked = False

        def allow(self, seconds: float) -> None:
            self.limit, self.asked = time.monotonic() + seconds, False

        def expire(self) -> None:
            if self.asked:
                raise TimeoutError
            self.limit, self.asked = time.monotonic() + _CANCEL_SECONDS, True
            threading.Thread(target=self._ask, name=f"cancel {place}", daemon=True).start()

        def wait(self, gen: Any, *rest: Any, **named: Any) -> Any:
            return super().wait(_until(gen, self), *rest, **named)

        def _ask(self) -> None:
            with contextlib.suppress(psycopg.Error):
                self.cancel_safe(timeout=_CANCEL_SECONDS)

    answers: queue.SimpleQueue[psycopg.Connection[Row] | BaseException] = queue.SimpleQueue()
    late = threading.Event()

    def attempt() -> None:
        try:
            made = Limited.connect(**arguments, autocommit=True, prepare_threshold=None)
        except Exception as error:  # noqa: BLE001 - told to the caller, on its own thread
            answers.put(error)
            return
        answers.put(made)
        if late.is_set():
            made.close()

    threading.Thread(target=attempt, name=f"connect {place}", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty as error:
        late.set()
        if not answers.empty() and not isinstance(stray := answers.get(), BaseException):
            stray.close()
        raise Unreachable(
            f"postgresql {place}", f"no answer at {where} within {seconds:g} s",
            "a PostgreSQL server that answers",
        ) from error  # fmt: skip
    if isinstance(answer, BaseException):
        raise connect_trouble(place, where, answer) from answer
    return answer


def _until(gen: Generator[Any, Any, Any], connection: Any) -> Generator[Any, Any, Any]:
    """Psycopg's own steps, ended with TimeoutError once the connection's limit has passed."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > connection.limit:
                connection.expire()
            wanted = gen.send(ready)
    except StopIteration as done:
        return done.value
