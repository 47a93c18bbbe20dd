"""A lost site's own arbiter is lost with it."""

from __future__ import annotations

import pytest

from drtool.lease.deciding import deciding_site, second_site
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.purpose import Procedure

INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {"profiles": {"preferred": "east", "lease": {"at": "dns"}}},
        "sites": {
            "north": {"address": "203.0.113.50"},
            "east": {"address": "192.0.2.50"},
            "west": {"address": "198.51.100.50"},
        },
        "dns": {
            "zone": "test",
            "key": {"secret": "file:tsig"},
            "servers": {
                "ns_east": {"site": "east", "address": "192.0.2.53"},
                "ns_west": {"site": "west", "address": "198.51.100.53"},
            },
        },
    }
)


@pytest.mark.parametrize(
    ("left", "taking", "decides"),
    [
        ("east", None, "west"),
        ("west", None, "east"),
        ("north", None, "east"),
        ("east", "north", "north"),
        ("east", "west", "west"),
    ],
)
def test_the_arbiter_of_a_site_that_is_taken_out_does_not_decide(
    left: str, taking: str | None, decides: str
) -> None:
    direction = Direction(from_site=left, to_site=taking)
    assert deciding_site("profiles", direction, INVENTORY) == decides


def test_two_runs_that_take_sites_out_meet_whichever_those_are() -> None:
    held = {}
    for site in ("north", "east", "west"):
        way = Direction(from_site=site)
        decides = deciding_site("profiles", way, INVENTORY)
        for procedure in (Procedure.DRAIN, Procedure.REFILL):
            second = second_site("profiles", procedure, way, INVENTORY)
            held[site, procedure] = {decides, second} - {None}
        assert second_site("profiles", Procedure.LOSE, way, INVENTORY) is None
        assert decides in held[site, Procedure.DRAIN]
    assert held["north", Procedure.DRAIN] == {"east"}  # nothing there can keep a lease
    assert all(one & other for one in held.values() for other in held.values())
