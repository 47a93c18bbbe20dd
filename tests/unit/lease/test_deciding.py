"""A lost site's own arbiter is lost with it."""

from __future__ import annotations

import pytest

from drtool.lease.deciding import deciding_site
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
    ("procedure", "left", "taking", "decides"),
    [
        (Procedure.LOSE, "east", None, "west"),
        (Procedure.LOSE, "west", None, "east"),
        (Procedure.LOSE, "north", None, "east"),
        (Procedure.LOSE, "east", "north", "north"),
        (Procedure.DRAIN, "east", None, "east"),
        (Procedure.FAILOVER, "east", "west", "west"),
    ],
)
def test_the_arbiter_of_a_site_that_is_lost_decides_nothing(
    procedure: Procedure, left: str, taking: str | None, decides: str
) -> None:
    direction = Direction(from_site=left, to_site=taking)
    assert deciding_site("profiles", procedure, direction, INVENTORY) == decides
