"""A lease at two sites, for planned procedures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from drtool.connections.reach import Writer
from drtool.errors import DrtoolError, LeaseHeld
from drtool.lease.lease import Lease
from drtool.lease.postgresql import PostgresqlLease

AGAIN_SECONDS = 0.5
REFUSED_TIMES = 5


class PairLease:
    """The lease at ``to``, and that at ``from`` besides.

    The one at ``to`` decides. The one at ``from`` ends when the run itself stops the server
    there; it is then taken again, on a thread, as soon as the site answers. Until it answers
    nobody can take it, and nothing waits for it. Only somebody else who keeps it ends ours. For
    a run that is resumed there may be no ``second`` yet.
    """

    def __init__(
        self, first: Lease, second: Lease | None, take_second: Callable[[], Lease]
    ) -> None:
        self._first, self._second, self._take_second = first, second, take_second
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._refusal: LeaseHeld | None = None
        self._token_there = second.token if second else ""
        self.over = " and ".join(filter(None, (first.over, second.over if second else "")))
        self.arbiter = f"{first.arbiter} and {second.arbiter}" if second else first.arbiter
        if second is None:
            self._regain_soon()

    @property
    def token(self) -> str:
        """The token at ``to``."""
        return self._first.token

    @property
    def tokens(self) -> tuple[str, ...]:
        """Both tokens, that at ``to`` first; the other one as it was last."""
        return tuple(filter(None, (self._first.token, self._token_there)))

    @property
    def holder(self) -> str:
        """Who holds both."""
        return self._first.holder

    @property
    def session(self) -> Writer | None:
        """The session at ``to``, through which the promotion goes."""
        return self._first.session

    def check(self) -> None:
        """Raises LeaseHeld when the lease at ``to`` was lost, or another has that at ``from``."""
        with self._turn, self._asked_there() as must_hold_there:
            self._first.check()
            if self._refusal is not None:
                raise self._refusal
            if self._second is None:
                return
            try:
                must_hold_there()
            except LeaseHeld:
                self._second.release()
                self._second = None
                self._regain_soon()

    def _asked_there(self) -> AbstractContextManager[Callable[[], None]]:
        """Ask at ``from``, where that can be done while ``to`` is asked: both may be slow."""
        if isinstance(self._second, PostgresqlLease):
            return self._second.asked()
        return nullcontext((self._second or self._first).check)

    def keep_first(self) -> Lease:
        """Give the one at ``from`` back, and go on with the one at ``to`` alone."""
        self._over.set()
        with self._turn:
            if self._second is not None:
                self._second.release()
                self._second = None
        return self._first

    def release(self) -> None:
        """Give both back."""
        self._over.set()
        with self._turn:
            if self._second is not None:
                self._second.release()
                self._second = None
        self._first.release()

    def _regain_soon(self) -> None:
        threading.Thread(target=self._regain, name="lease", daemon=True).start()

    def _regain(self) -> None:
        refused = 0
        while not self._over.wait(AGAIN_SECONDS):
            try:
                regained = self._take_second()
            except LeaseHeld as error:
                # one who is refused at `to` lets go here at once; one who stays acts here
                refused += 1
                if refused < REFUSED_TIMES:
                    continue
                self._refusal = error
                return
            except DrtoolError:
                continue
            with self._turn:
                if self._over.is_set():
                    regained.release()
                else:
                    self._second, self._token_there = regained, regained.token
            return
