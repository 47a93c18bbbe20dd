from __future__ import annotations

from drtool.lab.customers import Order
from drtool.lab.shopping import Outage, longest_wait, lost, outages


def order(identity: str, answered: float, *, acknowledged: bool = True) -> Order:
    return Order(identity, acknowledged, answered - 0.01, answered, answered)


def refused(identity: str, answered: float) -> Order:
    return order(identity, answered, acknowledged=False)


def test_no_refusal_is_no_outage() -> None:
    assert outages([order("a", 1), order("b", 2)], 0, 10) == []


def test_an_outage_runs_from_the_first_refusal_to_the_first_order_accepted() -> None:
    orders = [order("a", 1), refused("b", 2), refused("c", 3), order("d", 4.5), order("e", 5)]
    (outage,) = outages(orders, 0, 10)
    assert outage == Outage(2, 4.5, 2)
    assert outage.seconds == 2.5


def test_an_outage_that_goes_on_has_no_end() -> None:
    (outage,) = outages([order("a", 1), refused("b", 2)], 0, 10)
    assert outage.ended is None
    assert outage.seconds is None


def test_only_outages_that_began_in_the_time_asked_for_count() -> None:
    orders = [refused("a", 1), order("b", 2), refused("c", 5), order("d", 6)]
    assert [outage.began for outage in outages(orders, 4, 10)] == [5]
    assert [outage.began for outage in outages(orders, 0, 5)] == [1]


def test_an_acknowledged_order_that_is_not_there_is_lost() -> None:
    orders = [order("b", 2), order("a", 1), refused("c", 3), order("d", 4)]
    assert [one.id for one in lost(orders, {"d"})] == ["a", "b"]


def test_a_refused_order_is_never_lost() -> None:
    assert lost([refused("a", 1)], set()) == []


def test_the_longest_wait_is_between_orders_acknowledged_in_a_row() -> None:
    orders = [order("a", 1), refused("b", 1.5), order("c", 3), order("d", 3.5)]
    assert longest_wait(orders, 0, 10) == 2
    assert longest_wait(orders, 2, 10) == 0.5
    assert longest_wait([], 0, 10) == 0
