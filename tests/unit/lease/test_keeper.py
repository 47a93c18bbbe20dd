"""Leases that run out, over a place in memory: by its clock, or watched where it has none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drtool.clock import seconds_suspended
from drtool.connections.cell import Kept
from drtool.errors import LeaseHeld, Unreachable
from drtool.lease.dns_record import parse
from drtool.lease.keeper import Keeper, Span
from drtool.lease.kept import KeptLease, take_kept
from drtool.lease.lease import Claim
from drtool.testing import MovableClock

WHEN = datetime(2026, 11, 23, 5, 15, 1, tzinfo=UTC)
TIMED = Span(seconds=30.0, renew=1000.0, margin=5.0)
WATCHED = TIMED.model_copy(update={"watched": True})


class Place:
    """A cell in memory with a clock of its own, whose replies can be lost."""

    where = "file west_host"

    def __init__(self) -> None:
        self.kept, self.passed = Kept(), 0.0
        self.lose_replies = self.refuse = 0
        self.silent = False
        self.closed = 0

    def read(self) -> Kept:
        if self.silent:
            raise Unreachable(self.where, "does not answer")
        return self.kept

    def exchange(self, old: Kept, new: str) -> bool:
        if self.refuse:
            self.refuse -= 1
            return False
        if self.read() != old:
            return False
        self.kept = Kept(values=(new,), serial=old.serial + 1)
        if self.lose_replies:
            self.lose_replies -= 1
            raise Unreachable(self.where, "lost its connection")
        return True

    def now(self) -> datetime:
        self.read()
        return WHEN + timedelta(seconds=self.passed)

    def close(self) -> None:
        self.closed += 1


def take(
    place: Place,
    holder: str,
    span: Span = TIMED,
    clock: MovableClock | None = None,
    *,
    by_force: bool = False,
) -> KeptLease:
    claim = Claim(service="orders", holder=holder, run=f"run-of-{holder}", by_force=by_force)
    clock = clock or MovableClock()
    return take_kept(claim, [Keeper("orders", place, span, clock)], clock)


def test_the_places_own_clock_says_when_it_has_run_out() -> None:
    place = Place()
    lease = take(place, "ann")
    place.passed = 34.0
    with pytest.raises(LeaseHeld, match="held by ann, run run-of-ann, token 1"):
        take(place, "ben")
    place.passed = 35.0
    other = take(place, "ben")
    assert other.token > lease.token
    with pytest.raises(LeaseHeld, match="is another's"):
        lease.check()
    other.release()


def test_where_there_is_no_clock_it_is_watched_once_and_for_its_whole_time() -> None:
    place, clock = Place(), MovableClock()
    take(place, "ann", WATCHED)
    before = clock.monotonic()
    other = take(place, "ben", WATCHED, clock)
    assert 30.0 <= clock.monotonic() - before < 32.0
    other.check()
    other.release()


def test_a_watched_record_that_changes_is_somebodys() -> None:
    place = Place()

    class Renewing(MovableClock):
        def sleep(self, seconds: float, until: object = None) -> bool:
            place.passed += 5.0
            lease._renew()
            return super().sleep(seconds)

    lease = take(place, "ann", WATCHED)
    with pytest.raises(LeaseHeld, match="held by ann"):
        take(place, "ben", WATCHED, Renewing())
    lease.release()
    assert parse(place.kept.values) == parse(('"drtool-lease 1 token=1 free"',))
    take(place, "ben", WATCHED).release()


def test_a_lost_reply_is_no_lost_lease() -> None:
    place = Place()
    place.lose_replies = 1
    lease = take(place, "ann")
    lease.check()
    place.lose_replies = 1
    lease._renew()
    lease._renew()
    lease.check()
    lease.release()


def test_a_place_that_carries_nothing_out_is_given_up_and_closed() -> None:
    place = Place()
    place.refuse = 9
    with pytest.raises(Unreachable, match="does not carry the update out"):
        take(place, "ann")
    assert place.closed == 1


def test_a_silent_place_is_believed_no_longer_than_the_record_can_last() -> None:
    place, clock = Place(), MovableClock()
    lease = take(place, "ann", clock=clock)
    place.silent = True
    clock.move(24.0)
    lease.check()
    clock.move(1.5)
    with pytest.raises(LeaseHeld, match="not renewed for 2"):
        lease.check()
    place.silent = False
    with pytest.raises(LeaseHeld, match="not renewed"):
        lease.check()


def test_the_machines_sleep_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that wakes up knows that its lease is over, though its clock stood still."""
    lease = take(Place(), "ann")
    lease.check()
    asleep = seconds_suspended()
    monkeypatch.setattr("drtool.clock.seconds_suspended", lambda: asleep + 3600.0)
    with pytest.raises(LeaseHeld, match="not renewed for 3600 s"):
        lease.check()


def test_of_two_who_take_by_force_the_later_has_it() -> None:
    place = Place()
    take(place, "ann")
    first = take(place, "ben", by_force=True)
    second = take(place, "eve", by_force=True)
    assert (first.over, second.over) == ("ann, run run-of-ann", "ben, run run-of-ben")
    assert second.token > first.token
    with pytest.raises(LeaseHeld):
        first.check()
    second.check()
    again = take(place, "eve", by_force=True)
    assert again.over == "", "it was our own"


def test_tokens_of_a_place_that_lost_everything_still_grow() -> None:
    place, dated = Place(), TIMED.model_copy(update={"dated": True})
    lease = take(place, "ann", dated)
    place.kept, place.passed = Kept(), 60.0
    assert take(place, "ben", dated).token > lease.token
