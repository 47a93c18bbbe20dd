"""The contract test finds what is broken, and the fakes keep the contract."""

from __future__ import annotations

import threading

import pytest
from good_documents import INVENTORY

from drtool.action import Check, Entry
from drtool.model.inventory import Inventory
from drtool.model.place import Place
from drtool.model.purpose import Purpose
from drtool.model.value import Fields
from drtool.testing import (
    FakeAction,
    FakeCheck,
    FakePrepare,
    FakeSeen,
    MovableClock,
    check_action,
    fake_catalog,
    fake_facts,
)

EXAMPLES: dict[str, Fields] = {
    "http.request": {"argv": ["x"]},
    "ssh.run": {"argv": ["x"]},
    "slack.tell": {"text": "x"},
}


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    yaml = pytest.importorskip("yaml")
    return Inventory.model_validate(yaml.safe_load(INVENTORY))


@pytest.mark.parametrize("name", fake_catalog().names())
def test_the_fakes_keep_the_contract(name: str, inventory: Inventory) -> None:
    facts = fake_facts(inventory, Place(site="west", system="orders_db"))
    check_action(fake_catalog().get(name), EXAMPLES.get(name, {}), facts)


class Wordless(FakeCheck):
    """nothing that ends like a sentence"""


class HalfDone(Check[FakeSeen]):
    """A check that judges nothing."""

    purpose = Purpose.ASSESS


class Lenient(FakeCheck, extra="ignore"):
    """A check that takes any key."""


class NoWayBack(FakePrepare):
    """A preparation that cannot be taken back after all."""

    undo = FakeAction.undo  # type: ignore[pydantic-field]


class Silent(FakeCheck):
    """A check that a human could not do."""

    def by_hand(self, facts: object) -> list[str]:
        del facts
        return []


@pytest.mark.parametrize(
    ("entry", "broken"),
    [
        (Wordless, "its docstring does not start with a sentence"),
        (HalfDone, "it does not say how to judge"),
        (Lenient, "it is not frozen, or takes keys it does not know"),
        (NoWayBack, "it can be taken back, and does not say how to undo"),
        (Silent, "it does not say what a human would do"),
    ],
)
def test_what_is_broken_is_named(entry: type[Entry], broken: str, inventory: Inventory) -> None:
    with pytest.raises(AssertionError, match=broken):
        check_action(entry, {}, fake_facts(inventory))


def test_the_clock_stands_until_it_is_moved() -> None:
    clock = MovableClock()
    began, wall = clock.monotonic(), clock.wall()
    assert clock.monotonic() == began
    clock.sleep(2.5)
    assert clock.monotonic() - began == 2.5
    assert (clock.wall() - wall).total_seconds() == 2.5
    ended = threading.Event()
    ended.set()
    assert clock.sleep(60, until=ended)
    assert clock.monotonic() - began == 2.5
