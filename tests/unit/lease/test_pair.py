from __future__ import annotations

import threading

import pytest

from drtool.connections.reach import Writer
from drtool.errors import LeaseHeld, Unreachable
from drtool.lease import pair
from drtool.lease.lease import Lease, held, lost
from drtool.lease.pair import PairLease


class Fake:
    holder = "ann"
    session: Writer | None = None
    over = ""

    def __init__(self, arbiter: str) -> None:
        self.arbiter, self.token = arbiter, f"token of {arbiter}"
        self.loss: LeaseHeld | None = None
        self.released = False

    def check(self) -> None:
        if self.loss is not None:
            raise self.loss

    def release(self) -> None:
        self.released = True


class Site:
    """What taking the second lease again gives, call by call."""

    def __init__(self, *gives: Lease | Exception) -> None:
        self.gives = list(gives)
        self.asked = threading.Semaphore(0)

    def take(self) -> Lease:
        given = self.gives.pop(0) if len(self.gives) > 1 else self.gives[0]
        self.asked.release()
        if isinstance(given, Exception):
            raise given
        return given


DOWN = Unreachable("postgresql east.db", "nothing listens")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair, "AGAIN_SECONDS", 0.001)


def test_the_first_decides() -> None:
    first, second = Fake("west"), Fake("east")
    lease = PairLease(first, second, Site(DOWN).take)
    assert (lease.token, lease.arbiter) == ("token of west", "west and east")
    lease.check()
    first.loss = lost("orders", "west", "gone")
    with pytest.raises(LeaseHeld):
        lease.check()
    lease.release()
    assert first.released
    assert second.released


def test_a_site_that_was_stopped_is_waited_for_by_nobody_and_taken_again() -> None:
    first, second, third = Fake("west"), Fake("east"), Fake("east")
    site = Site(DOWN, DOWN, third)
    lease = PairLease(first, second, site.take)
    second.loss = lost("orders", "east", "the session ended")
    lease.check()
    lease.check()
    for _ in range(3):
        assert site.asked.acquire(timeout=10)
    for thread in threading.enumerate():
        if thread.name == "lease":
            thread.join(10)
    lease.check()
    lease.release()
    assert third.released


def test_somebody_else_at_the_stopped_site_ends_it() -> None:
    first, second = Fake("west"), Fake("east")
    lease = PairLease(first, second, Site(DOWN, held("orders", "east", "ben", "r2", "wait")).take)
    second.loss = lost("orders", "east", "the session ended")
    lease.check()
    for thread in threading.enumerate():
        if thread.name == "lease":
            thread.join(10)
    with pytest.raises(LeaseHeld, match="held by ben"):
        lease.check()
    lease.release()


def test_what_is_taken_again_after_the_end_is_given_back() -> None:
    first, second = Fake("west"), Fake("east")
    lease = PairLease(first, second, Site(DOWN).take)
    second.loss = lost("orders", "east", "the session ended")
    lease.check()
    lease.release()
    for thread in threading.enumerate():
        if thread.name == "lease":
            thread.join(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "lease"]
