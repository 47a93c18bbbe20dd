"""The arbiter that is the candidate's own PostgreSQL server.

A session advisory lock is granted on a hot standby and survives ``pg_promote`` in the same
session, so that a holder who lost it cannot promote. The server ends a dead holder's session
by TCP keepalive within 15 s, and the lock with it. A holder that is only stopped (SIGSTOP, a
frozen container) keeps it: its kernel answers the keepalives for it. Ending that session by force
is the way then.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial

from drtool.connections.postgresql import PostgresqlSession
from drtool.connections.reach import Context
from drtool.errors import DrtoolError, LeaseHeld
from drtool.lease.lease import held, lost
from drtool.model.replication import Holder

CONNECT_SECONDS = 10.0
END_SECONDS = 5.0
POLL_SECONDS = 0.02
_LONGEST_NAME = 63
_KEY_BITS = (1 << 63) - 1
_OURS = "drtool:"
_PRINTABLE = re.compile(r"[^ -~]")


class PostgresqlLease:
    """A session advisory lock, held by a session of its own."""

    def __init__(
        self, service: str, holder: str, session: PostgresqlSession, key: int, over: str = ""
    ) -> None:
        self.holder, self.session, self.over = holder, session, over
        self.arbiter = f"postgresql {session.target}"
        self.token = session.token()
        self._service, self._key = service, key
        self.check()  # makes the question ready

    def check(self) -> None:
        """Ask that very session whether it still has the lock; raises LeaseHeld if not."""
        with self.asked() as answer:
            answer()

    @contextmanager
    def asked(self) -> Iterator[Callable[[], None]]:
        """Ask, and take the answer later: that raises LeaseHeld when the lock was lost."""
        with ExitStack() as stack:
            try:
                answer = stack.enter_context(self.session.asked_whether_it_holds(self._key))
            except DrtoolError as error:
                yield partial(self._must_hold, partial(_raise, error))
            else:
                yield partial(self._must_hold, answer)

    def _must_hold(self, answer: Callable[[], bool]) -> None:
        try:
            if answer():
                return
        except DrtoolError as error:
            raise lost(self._service, self.arbiter, error.found) from error
        raise lost(self._service, self.arbiter, "the session no longer has the lock")

    def bear(self, run: str) -> None:
        """Name another run as its bearer; the session and its lock are the same."""
        self.session.set_name(session_name(self.holder, run))

    def release(self) -> None:
        """End the session, and so the lock."""
        self.session.close()


def _raise(error: DrtoolError) -> bool:
    raise error


def lock_key(service: str) -> int:
    """The advisory lock of a service: 63 bits of SHA-256, the same on every machine."""
    digest = hashlib.sha256(f"drtool lease {service}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & _KEY_BITS


def session_name(holder: str, run: str) -> str:
    """``drtool:HOLDER:RUN`` in the 63 printable bytes that application_name keeps."""
    room = _LONGEST_NAME - len(f"drtool::{run}")
    return f"drtool:{_PRINTABLE.sub('?', holder)[:room]}:{run}"


def take_postgresql(
    service: str, target: str, context: Context, holder: str, run: str, *, by_force: bool = False
) -> PostgresqlLease:
    """Take the lock at the system ``target``; by force, the holder's session is ended first.

    Raises LeaseHeld that names the holder, and what opening the session raises.
    """
    session = PostgresqlSession.open(target, _patient(context))
    try:
        # before the lock, so that whoever is refused finds the name there
        session.set_name(session_name(holder, run))
        key = lock_key(service)
        over = _ended(service, session, key) if by_force else ""
        return PostgresqlLease(service, holder, session, _lock(service, session, key), over)
    except BaseException:
        session.close()
        raise


def _ended(service: str, session: PostgresqlSession, key: int) -> str:
    """End the holder's session and wait until its lock is gone; who it was, or "".

    A session that is none of drtool's is left to its owner.
    """
    holder = session.who_holds(key)
    if holder is None:
        return ""
    if not holder.application_name.startswith(_OURS):
        raise _held(service, session.target, holder)
    session.end_holder(key, holder)
    end = time.monotonic() + END_SECONDS
    while (now := session.who_holds(key)) is not None and now == holder:
        if time.monotonic() > end:
            raise _held(service, session.target, holder)
        time.sleep(POLL_SECONDS)
    return _told(holder)


def _patient(context: Context) -> Context:
    """Nothing can begin without the arbiter, and many starts at once make it slow."""
    seconds = max(context.connect_seconds, CONNECT_SECONDS)
    return Context(context.inventory, context.secrets, context.clock, seconds, context.run)


def _lock(service: str, session: PostgresqlSession, key: int) -> int:
    """Take the lock and give its number."""
    if not session.try_lock(key):
        raise _held(service, session.target, session.who_holds(key))
    return key


def _held(service: str, target: str, holder: Holder | None) -> LeaseHeld:
    arbiter = f"postgresql {target}"
    if holder is None:
        return held(service, arbiter, "somebody who has just let it go", "", "start again")
    return held(
        service,
        arbiter,
        f"{_told(holder)}, pid {holder.pid}",
        holder_of(holder.application_name)[1],
        "if that machine is dead its lock ends within 15 s; one that is stopped or hangs keeps it",
    )


def _told(holder: Holder) -> str:
    """Who it is, for which run, since when."""
    who, run = holder_of(holder.application_name)
    return f"{who}{f', run {run}' if run else ''}, since {_since(holder.since)}"


def holder_of(name: str) -> tuple[str, str]:
    """Holder and run from a session's name; the bare name of a session that is not ours."""
    if not name.startswith(_OURS):
        return name or "a session without a name", ""
    holder, _, run = name.removeprefix(_OURS).rpartition(":")
    return holder, run


def _since(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"
