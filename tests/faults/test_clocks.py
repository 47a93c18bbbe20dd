"""Clocks that jump, clocks that differ: what is measured and who may act stay right."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dns_pair import DnsPair
from engine_bench import Bench, chain, step
from fault_record import Fault
from lease_world import LeaseWorld
from postgresql_pair import Pair, wait_until

from drtool.action import Facts, Look
from drtool.actions.postgresql.data_loss import CheckDataLoss
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.errors import LeaseHeld
from drtool.journal.store import Journal
from drtool.lease.dns import take_dns
from drtool.lease.dns_record import parse
from drtool.lease.file import take_file
from drtool.lease.kept import KeptLease
from drtool.model.event import StepEnded
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.model.replication import DataLoss
from drtool.redact import Redactor
from drtool.reports.report import report

pytestmark = pytest.mark.faults
FILE = {"at": "file"}
ANN, BEN = "20261123-051401-aaaa", "20261123-051402-bbbb"
HOURS = [timedelta(hours=1), timedelta(hours=-1)]
DAYS = [timedelta(days=1), timedelta(days=-1)]


class Jumping(SystemClock):
    """A clock whose wall time is set while it is in use, as an operator or NTP does."""

    def __init__(self, off: timedelta = timedelta()) -> None:
        super().__init__()
        self.off = off

    def wall(self) -> datetime:
        return super().wall() + self.off


class Sleeping(SystemClock):
    """A clock by which a machine was not looked at for a while."""

    passed = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.passed


@pytest.mark.parametrize("jump", HOURS, ids=["ahead", "back"])
def test_f24_durations_are_those_of_the_monotonic_clock(
    jump: timedelta, tmp_path: Path, fault: Fault
) -> None:
    clock = Jumping()
    bench = Bench(tmp_path)
    bench.clock = clock
    bench.journal = Journal.open(tmp_path / "jumping.db", clock, Redactor())
    timer = threading.Timer(0.4, lambda: setattr(clock, "off", jump))
    timer.start()
    ended = bench.execute(*chain(step("one", takes=0.3), step("two", takes=0.5), step("three")))
    timer.join()
    events = bench.events
    between = events[-1].at.wall - events[0].at.wall
    assert abs(between.total_seconds()) > 3500
    fault.injected(f"the journal's wall times span {between}")
    assert ended.outcome is Outcome.SUCCEEDED
    steps = [event.body for event in events if isinstance(event.body, StepEnded)]
    assert [one.outcome for one in steps] == [Outcome.SUCCEEDED] * 3
    assert all(0 <= one.seconds < 30 for one in steps)
    made = report(events, bench.journal.head())
    assert 0.8 <= made.seconds < 60
    fault.got(f"the report says {made.seconds:.1f} s")


@pytest.mark.parametrize("jump", DAYS, ids=["ahead", "back"])
def test_f24_a_holder_whose_clock_jumps_keeps_its_lease_on_a_host(
    jump: timedelta, lease_world: LeaseWorld, fault: Fault
) -> None:
    clock = Jumping()
    lease = take_file("orders", "west", lease_world.context(FILE, clock), "ann", ANN)
    clock.off = jump
    fault.injected(f"the holder's clock says {clock.wall():%Y-%m-%d %H:%M}")
    keeps_it(lease, lambda: take_file("orders", "west", lease_world.context(FILE), "ben", BEN))
    (record,) = (lease_world.state("west") / "leases").glob("orders.lease.*")
    found = parse((record.read_text().strip(),))
    assert found is not None
    assert found.expires is not None
    assert abs((found.expires - datetime.now(UTC)).total_seconds()) < 60
    lease.release()


@pytest.mark.parametrize("jump", HOURS, ids=["ahead", "back"])
def test_f24_a_holder_whose_clock_jumps_keeps_its_lease_at_dns(
    jump: timedelta, dns_pair: DnsPair, fault: Fault
) -> None:
    dns_pair.start_child("east")
    dns_pair.start_child("west")
    clock = Jumping()
    lease = take_dns("orders", "west", at_dns(dns_pair, clock), "ann", ANN)
    clock.off = jump
    fault.injected(f"the holder's clock says {clock.wall():%Y-%m-%d %H:%M}")
    keeps_it(lease, lambda: take_dns("orders", "west", at_dns(dns_pair, Jumping()), "ben", BEN))
    lease.release()


def test_f24_a_holder_that_slept_past_its_lease_acts_no_more_though_nobody_took_it(
    lease_world: LeaseWorld, fault: Fault
) -> None:
    clock = Sleeping()
    lease = take_file("orders", "west", lease_world.context(FILE, clock), "ann", ANN)
    lease.check()
    clock.passed = 40.0
    fault.injected("40 s have passed by the holder's monotonic clock, its lease lasts 30 s")
    with pytest.raises(LeaseHeld, match="not renewed for 4") as raised:
        lease.check()
    fault.got(raised.value.line())
    lease.release()


@pytest.mark.parametrize("off", DAYS, ids=["ahead", "behind"])
def test_f25_a_taker_whose_clock_is_off_does_not_find_a_lease_run_out(
    off: timedelta, lease_world: LeaseWorld, dns_pair: DnsPair, fault: Fault
) -> None:
    dns_pair.start_child("east")
    dns_pair.start_child("west")
    skewed = Jumping(off)
    on_host = take_file("orders", "west", lease_world.context(FILE), "ann", ANN)
    in_zone = take_dns("orders", "west", at_dns(dns_pair, Jumping()), "ann", ANN)
    fault.injected(f"the taker's clock says {skewed.wall():%Y-%m-%d %H:%M}")
    with pytest.raises(LeaseHeld, match=ANN):
        take_file("orders", "west", lease_world.context(FILE, skewed), "ben", BEN)
    with pytest.raises(LeaseHeld, match=ANN):
        take_dns("orders", "west", at_dns(dns_pair, skewed), "ben", BEN)
    fault.got("the taker is refused by the host's and by the DNS server's own time")
    for lease in (on_host, in_zone):
        lease.check()
        lease.release()
    take_file("orders", "west", lease_world.context(FILE, skewed), "ben", BEN).release()
    take_dns("orders", "west", at_dns(dns_pair, skewed), "ben", BEN).release()


@pytest.mark.parametrize("off", HOURS, ids=["ahead", "behind"])
def test_f25_lag_is_told_from_log_positions_whatever_the_clocks_say(
    off: timedelta, pair: Pair, fault: Fault
) -> None:
    pair.east.sql("CREATE TABLE IF NOT EXISTS lagging (n int)")
    pair.catch_up()
    pair.west.sql("SELECT pg_wal_replay_pause()")
    pair.east.sql("INSERT INTO lagging SELECT generate_series(1, 1000)")
    position = pair.east.sql("SELECT pg_current_wal_lsn()::text")[0][0]
    received = "SELECT pg_last_wal_receive_lsn() >= %s::pg_lsn"
    wait_until(lambda: pair.west.sql(received, position)[0][0], 60)
    skewed = Jumping(off)
    fault.injected(f"our clock says {skewed.wall():%H:%M}, the servers' {datetime.now(UTC):%H:%M}")
    inventory = pair.inventory()
    found = loss_seen(inventory, skewed)
    right = loss_seen(inventory, SystemClock())
    assert found.seconds == right.seconds == 0.0
    assert found.received_not_replayed_bytes == right.received_not_replayed_bytes > 0
    fault.got(f"{found.seconds} s would be lost, {found.received_not_replayed_bytes} bytes wait")
    pair.west.sql("SELECT pg_wal_replay_resume()")


def loss_seen(inventory: Inventory, clock: SystemClock) -> DataLoss:
    connections = Connections(Context(inventory, Secrets(Redactor()), clock, run="test-run"))
    facts = Facts(
        run="test-run",
        mode=Mode.LIVE,
        procedure=Procedure.SWITCHOVER,
        service="orders",
        inventory=inventory,
        direction=Direction(from_site="east", to_site="west"),
        at=Place(site="west", system="orders_db"),
        started=clock.wall(),
    )
    try:
        return CheckDataLoss().observe(Look(connections, facts))
    finally:
        connections.close()


def at_dns(zone: DnsPair, clock: SystemClock) -> Context:
    return Context(zone.inventory(), Secrets(Redactor()), clock)


def keeps_it(lease: KeptLease, take: Callable[[], KeptLease]) -> None:
    """It is renewed, checked, and still refuses others."""
    lease.check()
    lease._renew()
    lease.check()
    with pytest.raises(LeaseHeld, match=ANN):
        take()
    lease.check()
