"""Open a PostgreSQL session within a time limit; its waits have limits, too."""

from __future__ import annotations

import contextlib
import math
import queue
import sys
import threading
import time
from collections.abc import Generator
from typing import Any

from drtool.connections.postgresql.trouble import connect_trouble
from drtool.errors import MissingExtra, Unreachable

Row = tuple[Any, ...]
_CANCEL_SECONDS = 1.0
_ONLY_WHERE_SAID = sys.maxsize  # through a pooler a statement that is kept may be another server's


def dial(subject: str, where: str, arguments: dict[str, Any], seconds: float) -> Any:
    """Connect on a thread of its own: name resolution and TLS have no limit that libpq keeps."""
    limited = _limited(subject)
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    late = threading.Event()

    def attempt() -> None:
        try:
            made = limited.connect(**arguments, autocommit=True, prepare_threshold=_ONLY_WHERE_SAID)
        except Exception as error:  # noqa: BLE001 - told to the caller, on its own thread
            answers.put(error)
            return
        answers.put(made)
        if late.is_set():
            made.close()

    threading.Thread(target=attempt, name=f"connect {subject}", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty as error:
        late.set()
        if not answers.empty() and not isinstance(stray := answers.get(), BaseException):
            stray.close()
        raise Unreachable(
            subject, f"no answer at {where} within {seconds:g} s", "a server that answers"
        ) from error
    if isinstance(answer, BaseException):
        raise connect_trouble(subject, where, answer) from answer
    return answer


def _limited(subject: str) -> Any:
    """The kind of session that ``dial`` opens; made here, because psycopg is read only now."""
    try:
        import psycopg  # noqa: PLC0415 - heavy, and an optional extra
    except ImportError as error:
        raise MissingExtra(subject, "postgresql") from error

    class Limited(psycopg.Connection[Row]):
        """A connection whose waits end at a limit, even if the server is frozen.

        At the limit the server is asked to cancel, which keeps the session and its locks; a
        second later the wait ends with TimeoutError. PostgreSQL's statement_timeout does not
        cover a commit that waits for a synchronous standby.
        """

        limit = math.inf
        asked = False

        def allow(self, seconds: float, *, cancel: bool = True) -> None:
            self.limit, self.asked = time.monotonic() + seconds, not cancel

        def expire(self) -> None:
            if self.asked:
                raise TimeoutError
            self.limit, self.asked = time.monotonic() + _CANCEL_SECONDS, True
            threading.Thread(target=self._ask, name=f"cancel {subject}", daemon=True).start()

        def wait(self, gen: Any, *rest: Any, **named: Any) -> Any:
            return super().wait(_until(gen, self), *rest, **named)

        def _ask(self) -> None:
            with contextlib.suppress(psycopg.Error):
                self.cancel_safe(timeout=_CANCEL_SECONDS)

    return Limited


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
