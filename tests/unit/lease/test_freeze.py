from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from drtool.connections.cell import Kept
from drtool.errors import BadInput, Unreachable
from drtool.lease.freeze import Flag, frozen, nowhere, read_flag, write_flag
from drtool.lease.freeze_record import Freeze, is_ours, parse_freeze, thawed_text
from drtool.model.inventory import Inventory

NOW = datetime(2026, 11, 23, 5, 15, 1, tzinfo=UTC)


class Place:
    """A cell in memory; ``beaten`` times somebody else is faster."""

    where = "dns ns_west"

    def __init__(self, *values: str, beaten: int = 0) -> None:
        self.kept, self.beaten, self.closed = Kept(values=values), beaten, 0

    def read(self) -> Kept:
        return self.kept

    def exchange(self, old: Kept, new: str) -> bool:
        assert old == self.kept
        if self.beaten:
            self.beaten -= 1
            return False
        self.kept = Kept(values=(new,))
        return True

    def now(self) -> datetime:
        return NOW

    def close(self) -> None:
        self.closed += 1


def opening(place: Place) -> Callable[[], Place]:
    return lambda: place


def freeze(**changed: object) -> Freeze:
    return Freeze(by="ann@desk", since=NOW, reason="stock-taking").model_copy(update=changed)


def test_a_record_survives_being_written_and_read() -> None:
    for one in (freeze(), freeze(until=NOW + timedelta(hours=8))):
        assert parse_freeze((one.text(),)) == one
    assert parse_freeze(()) is None
    assert parse_freeze((thawed_text("ann", "done"),)) is None


def test_nobody_breaks_out_of_the_record() -> None:
    strange = freeze(by='a b"c', reason='x" until=- "\n' + "ü" * 300).text()
    assert len(strange) < 257
    assert parse_freeze((strange,)) is not None
    assert len(thawed_text("a" * 300, "b" * 300)) < 257


def test_what_is_ours() -> None:
    assert is_ours(())
    assert is_ours((freeze().text(),))
    assert is_ours((thawed_text("ann", "done"),))
    assert not is_ours(('"v=spf1 -all"',))


def test_a_freeze_ends_at_its_time() -> None:
    ends = freeze(until=NOW + timedelta(hours=1))
    flags = (Flag(where="a", freeze=ends), Flag(where="b", trouble="does not answer"))
    assert frozen(flags, NOW) == flags[0]
    assert frozen(flags, NOW + timedelta(hours=2)) is None
    endless = Flag(where="c", freeze=freeze())
    assert frozen((*flags, endless), NOW) == endless
    assert "until 2026-11-23 06:15 UTC" in ends.told()


def test_the_flag_is_put_though_somebody_else_was_faster() -> None:
    place = Place(beaten=2)
    put = write_flag("dns ns_west", opening(place), freeze().text())
    assert put.freeze == freeze()
    assert read_flag("dns ns_west", opening(place)) == put
    assert place.closed == 2
    assert "all the time" in write_flag("x", opening(Place(beaten=9)), freeze().text()).trouble


def test_what_is_no_flag_is_not_touched() -> None:
    place = Place('"v=spf1 -all"')
    assert "is no freeze" in write_flag("x", opening(place), freeze().text()).trouble
    assert place.kept.values == ('"v=spf1 -all"',)


def test_a_place_that_does_not_answer_is_a_trouble() -> None:
    def silent() -> Place:
        raise Unreachable("dns server ns_west", "does not answer in time")

    assert "does not answer" in read_flag("x", silent).trouble
    assert "does not answer" in write_flag("x", silent, freeze().text()).trouble


@pytest.mark.parametrize("at", ["postgresql", "journal"])
def test_where_no_flag_can_be_is_said_with_a_way_out(at: str) -> None:
    known = Inventory.model_validate(
        {
            "version": 1,
            "services": {"orders": {"preferred": "east", "lease": {"at": at}}},
            "sites": {"east": {"address": "::1"}},
        }
    )
    told = nowhere("orders", known)
    assert isinstance(told, BadInput)
    assert told.hint == f"services.orders.lease: {{at: {at}, freeze: dns}}"
