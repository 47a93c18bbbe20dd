"""What is left to do at a server that follows, from values alone."""

from __future__ import annotations

from typing import Any

import pytest

from drtool.actions.postgresql.loose_ends import LooseEnds
from drtool.engine.cover import not_shown
from drtool.model.change import Change


def ends(**found: Any) -> LooseEnds:
    return LooseEnds(place="east.db", source_place="west.db", standby_name="east", **found)


def test_nothing_is_left() -> None:
    assert ends().changes == []
    assert ends().reason_to_wait is None


def test_whoever_consented_to_the_server_consented_to_its_loose_ends() -> None:
    shown = [Change(subject="postgresql east.db", before="stopped", after="a standby of west.db")]
    left = ends(unused_slot="drtool", stays_off="east_db", emptied="east", finds="now").changes
    assert len(left) == 3
    assert not_shown(left, shown, "reinstate") == ()


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        ({"finds": "now"}, False),
        ({"finds": "never"}, False),
        ({"finds": "later"}, True),
        ({"finds": "later", "unused_slot": "drtool"}, False),  # that is done first
    ],
)
def test_it_waits_for_a_standby_that_catches_up_and_for_nothing_else(
    found: dict[str, Any], *, waits: bool
) -> None:
    assert bool(ends(emptied="east", **found).reason_to_wait) is waits
