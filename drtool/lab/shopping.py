"""What the customers saw, as figures: pure, over the orders that they wrote down."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from drtool.lab.customers import Order


@dataclass(frozen=True)
class Outage:
    """A time without orders, as customers saw it; ``ended`` is None while it goes on.

    It runs from the first order refused to the first order accepted afterwards, both by the
    time of the answer, in epoch seconds.
    """

    began: float
    ended: float | None
    refused: int

    @property
    def seconds(self) -> float | None:
        """How long customers waited."""
        return None if self.ended is None else self.ended - self.began


def outages(orders: Iterable[Order], since: float, until: float) -> list[Outage]:
    """The times without orders that began between two moments, in order."""
    found: list[Outage] = []
    began, refused = None, 0
    for order in sorted(orders, key=lambda one: one.answered):
        if not order.acknowledged:
            began, refused = began or order.answered, refused + 1
        elif began is not None:
            found.append(Outage(began, order.answered, refused))
            began, refused = None, 0
    if began is not None:
        found.append(Outage(began, None, refused))
    return [outage for outage in found if since <= outage.began < until]


def lost(orders: Iterable[Order], kept: Collection[str]) -> list[Order]:
    """The orders that were acknowledged and that the database does not have, oldest first."""
    gone = (order for order in orders if order.acknowledged and order.id not in kept)
    return sorted(gone, key=lambda order: order.answered)


def longest_wait(orders: Iterable[Order], since: float, until: float) -> float:
    """The longest time between two acknowledged orders in a row, in seconds.

    It bounds the downtime that a customer saw when nothing was refused, only delayed.
    """
    times = sorted(
        order.answered
        for order in orders
        if order.acknowledged and since <= order.answered <= until
    )
    return max((after - before for before, after in itertools.pairwise(times)), default=0)
