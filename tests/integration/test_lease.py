"""The PostgreSQL arbiter on real servers."""

from __future__ import annotations

import threading
import time

import pytest
from postgresql_pair import Pair, both_releases, wait_until

from drtool.connections.postgresql import PostgresqlSession
from drtool.errors import DrtoolError, LeaseHeld
from drtool.lease.lease import Lease
from drtool.lease.pair import PairLease
from drtool.lease.postgresql import PostgresqlLease, take_postgresql

EAST, WEST = "east.orders_db", "west.orders_db"


def take(pair: Pair, target: str, holder: str = "ann@desk", run: str = "run-1") -> PostgresqlLease:
    return take_postgresql("orders", target, pair.context(), holder, run)


@both_releases
def test_a_lease_on_a_standby_survives_its_promotion_and_ends_with_its_session(
    pair: Pair,
) -> None:
    lease = take(pair, WEST)
    pair.east.cut_power()
    assert isinstance(lease.session, PostgresqlSession)
    assert lease.session.promote()
    lease.check()
    with pytest.raises(LeaseHeld, match=r"held by ann@desk, run run-1, since 20.* UTC, pid \d+"):
        take(pair, WEST, "ben", "run-2")
    began = time.perf_counter()
    for _ in range(20):
        lease.check()
    assert (time.perf_counter() - began) / 20 < 0.05
    pair.west.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    with pytest.raises(LeaseHeld, match="lost"):
        lease.check()
    wait_until(lambda: not pair.west.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
    other = take(pair, WEST, "ben", "run-2")
    assert other.token > lease.token
    other.release()
    wait_until(lambda: not pair.west.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))


def test_of_twenty_takers_one_wins_and_nineteen_name_it(pair: Pair) -> None:
    leases: list[PostgresqlLease] = []
    refusals: list[str] = []
    others: list[DrtoolError] = []
    start, context = threading.Barrier(20), pair.context()

    def taker(number: int) -> None:
        start.wait()
        try:
            leases.append(take_postgresql("orders", WEST, context, f"h{number}", f"run-{number}"))
        except LeaseHeld as error:
            refusals.append(error.found)
        except DrtoolError as error:
            others.append(error)

    threads = [threading.Thread(target=taker, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert others == []
    (winner,) = leases
    assert len(refusals) == 19
    assert all(text.startswith(f"held by {winner.holder}, run run-") for text in refusals)
    winner.release()


def test_the_second_site_is_taken_again_after_the_run_has_restarted_it(pair: Pair) -> None:
    lease: Lease = PairLease(take(pair, WEST), take(pair, EAST), lambda: take(pair, EAST))
    lease.check()
    pair.east.stop()
    began = time.monotonic()
    lease.check()
    lease.check()
    assert time.monotonic() - began < 1
    pair.east.start()

    wait_until(lambda: pair.east.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
    with pytest.raises(LeaseHeld, match="run-1"):
        take(pair, EAST, "ben", "run-2")
    lease.check()
    lease.release()
