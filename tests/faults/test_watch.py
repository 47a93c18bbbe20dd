"""F56 to F58: one place is not believed, a blip is none, and what flaps is left to a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_record import Fault
from postgresql_pair import Pair, wait_until
from watched_service import ALLOWED, HOLD, Watched, watched_service

from drtool.model.purpose import Mode, Procedure
from drtool.runbook.load import load
from drtool.safety.outage import Word
from drtool.verbs.automatic import flapping_before
from drtool.verbs.request import StartRequest
from drtool.verbs.watch.findings import What

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture
def orders(pair: Pair) -> Iterator[Watched]:
    """A service whose failover may start by itself."""
    with watched_service(pair, automatic=ALLOWED) as made:
        made.look()
        assert made.says() is Word.WELL, made.reason
        yield made


def test_f56_cut_off_from_the_service_while_its_standby_hears_it(
    orders: Watched, fault: Fault
) -> None:
    orders.customers.cut()
    orders.look_for(1800)
    fault.injected(orders.reason)
    assert orders.says() is Word.SUSPECTED
    assert orders.reason.startswith("the signals disagree: http")
    assert "west.orders_db heard its primary" in orders.reason
    assert orders.asked == []
    assert len(orders.told("suspicion")) == 1
    assert orders.told("outage") == []
    orders.mend()
    orders.look()
    assert [one.what for one in orders.news] == [What.BEGUN, What.OVER]
    fault.got("told once as a suspicion for half an hour, and when it was over; nothing started")


def test_f56_a_half_open_link_says_the_same(orders: Watched, fault: Fault) -> None:
    orders.customers.muted = True
    orders.look_for(15)
    fault.injected(orders.reason)
    assert orders.says() is Word.SUSPECTED
    assert "http" in orders.reason
    assert "within 3 s" in orders.reason
    fault.got("a suspicion; nothing started")


def test_f56_the_standby_is_cut_off_while_customers_are_served(
    orders: Watched, fault: Fault
) -> None:
    orders.lose_link()
    orders.look_for(600)
    fault.injected(orders.reason)
    assert orders.says() is Word.SUSPECTED
    assert orders.reason.startswith("the signals disagree: heartbeat west.orders_db seen from west")
    assert orders.asked == []
    fault.got("a suspicion for ten minutes; nothing started")


def test_f56_cut_off_from_everything_one_sees_no_outage(orders: Watched, fault: Fault) -> None:
    orders.customers.cut()
    orders.pair.west.cut_power()
    orders.look_for(600)
    fault.injected(orders.reason)
    assert orders.says() is Word.SUSPECTED
    assert orders.reason.startswith("seen from one place only, which may be cut off itself: http")
    assert "heartbeat west.orders_db seen from west: cannot say" in orders.reason
    assert orders.asked == []
    fault.got("a suspicion for ten minutes; nothing started")


def test_f56_two_primaries_are_named_and_nothing_is_done(orders: Watched, fault: Fault) -> None:
    west = orders.pair.west
    west.sql("SELECT pg_promote()")
    wait_until(lambda: west.sql("SELECT NOT pg_is_in_recovery()")[0][0], 60)
    orders.customers.cut()
    orders.look_for(600)
    (told,) = orders.told("split brain")
    fault.injected(told)
    assert "east.orders_db is primary on timeline 1, and west.orders_db is primary" in told
    assert orders.asked == []
    fault.got("both named; nothing started")


def test_f57_a_blip_of_43_seconds_starts_nothing(orders: Watched, fault: Fault) -> None:
    for _ in range(3):
        orders.lose()
        orders.look_for(40)
        orders.look(3)
        fault.injected(orders.reason)
        assert orders.says() is Word.SUSPECTED
        orders.mend()
        orders.look_for(60)
        assert orders.says() is Word.WELL, orders.reason
    assert orders.asked == []
    assert orders.told("outage") == []
    fault.got("three blips: no outage, nothing started")


def test_f57_what_lasts_longer_is_an_outage_since_its_first_sign(
    orders: Watched, fault: Fault
) -> None:
    orders.customers.cut()
    orders.look()
    began = orders.watch.services[0].verdict.since
    orders.lose()
    orders.look_for(HOLD)
    assert orders.asked == []
    orders.look_for(10)
    assert orders.says() is Word.OUTAGE
    fault.injected(orders.reason)
    (request,) = orders.asked
    assert began is not None
    assert request.outage_since == began.isoformat()
    assert request.outage_source.startswith("the first signal to fail: http http://127.0.0.1:")
    assert (request.procedure, request.mode) == (Procedure.FAILOVER, Mode.LIVE)
    assert "two places have said for" in (request.because or "")
    (outage,) = orders.told("outage")
    assert outage.startswith(f"orders is OUT since {began:%H:%M:%S}Z (http ")
    assert "Ann Example allowed it in" in orders.told("automatic")[0]
    fault.got(f"one failover, its clock from {began:%H:%M:%S}Z: {request.outage_source}")


def test_without_the_inventorys_word_nothing_is_ever_started(pair: Pair) -> None:
    with watched_service(pair) as orders:
        orders.look()
        orders.lose()
        orders.look_for(600)
        assert orders.says() is Word.OUTAGE
        assert orders.asked == []
        outage = next(one.finding for one in orders.news if one.finding.about.value == "outage")
        assert outage.commands[0].endswith("--dry-run")
        assert "--outage-since" in outage.commands[1]


def test_f58_of_five_outages_in_a_row_one_starts_a_failover(orders: Watched, fault: Fault) -> None:
    for _ in range(5):
        orders.lose()
        orders.look_for(HOLD + 30)
        assert orders.says() is Word.OUTAGE
        fault.injected(orders.reason)
        orders.mend()
        orders.look_for(60)
        assert orders.says() is Word.WELL, orders.reason
    assert len(orders.asked) == 1
    told = orders.told("automatic")
    refused = [one for one in told if one.startswith("no failover of orders is started: ")]
    assert len(refused) >= 4
    assert "what flaps is for a person to judge" in refused[0]
    documents = Path(orders.watch.services[0].loaded.source).parent
    typed = StartRequest(
        runbook=documents / "orders.yaml", procedure=Procedure.FAILOVER, requester="ann"
    )
    loaded = load(typed.runbook, None, orders.app.catalog, {})
    journal = orders.app.journal()
    warned = flapping_before(typed, loaded, journal, orders.clock.wall())
    journal.close()
    assert "orders was failed over automatically" in warned
    assert "it may be flapping" in warned
    fault.got(f"one automatic failover of five; a person is warned: {warned}")


def test_f58_the_window_ends(orders: Watched, fault: Fault) -> None:
    orders.lose()
    orders.look_for(HOLD + 30)
    orders.mend()
    orders.look_for(60)
    orders.clock.moved += 86_400
    orders.look_for(60)
    orders.lose()
    orders.look_for(HOLD + 30)
    fault.injected(orders.reason)
    assert len(orders.asked) == 2
    fault.got("the second one a day later is started")
