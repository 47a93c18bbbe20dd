from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from drtool.actions.dns import LowerTtl, Redirect, Resolves, Ttl
from drtool.actions.dns.pointing import Pointing
from drtool.connections.dns import ServerSays
from drtool.model.inventory import Inventory
from drtool.model.value import Fields
from drtool.testing.contract import check_action
from drtool.testing.fakes import fake_facts
from drtool.units import Duration

EAST, WEST, OTHER = "127.0.1.1", "127.0.2.1", "127.0.9.9"
BOTH = f"{EAST}, {WEST}"
INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {
            "orders": {
                "endpoint": "orders.lab.test",
                "url": "http://orders.lab.test:8080",
                "preferred": "east",
            }
        },
        "sites": {"east": {"address": EAST}, "west": {"address": WEST}},
        "dns": {
            "zone": "lab.test",
            "key": {"secret": "file:tsig"},
            "servers": {
                "ns_east": {"site": "east", "address": EAST},
                "ns_west": {"site": "west", "address": WEST},
            },
        },
    }
)
FACTS = fake_facts(INVENTORY)
SILENT = "does not answer in time"


def says(site: str, *values: str, ttl: float = 5, trouble: str = "") -> ServerSays:
    return ServerSays(
        server=f"ns_{site}",
        site=site,
        values=values,
        ttl=Duration(ttl) if values else None,
        trouble=trouble,
    )


def seen(*servers: ServerSays, min_servers: int = 1) -> Pointing:
    values = {said.values for said in servers if said.answers}
    return Pointing(
        name="orders.lab.test",
        wanted=WEST,
        may_be=(WEST, EAST),
        address=next(iter(values))[0] if len(values) == 1 and next(iter(values)) else "",
        servers=servers,
        agreeing=tuple(said.server for said in servers if said.values == (WEST,)),
        cut_off=tuple(said.server for said in servers if not said.answers),
        min_servers=min_servers,
    )


OLD = seen(says("east", EAST), says("west", EAST))
NEW = seen(says("east", WEST), says("west", WEST))
HALF = seen(says("east", EAST), says("west", WEST))
CUT_OFF = seen(says("east", trouble=SILENT), says("west", WEST))
ALL_GONE = seen(says("east", trouble=SILENT), says("west", trouble=SILENT))
TOO_FEW = seen(says("east", trouble=SILENT), says("west", WEST), min_servers=2)
STRANGE = seen(says("east", OTHER), says("west", EAST))
TWO_VALUES = seen(says("east", EAST, WEST), says("west", EAST))
EMPTY = seen(says("east"), says("west", EAST))
ALIAS = seen(says("east", WEST), ServerSays(server="ns_west", site="west", alias="east.lab.test."))
AN_ALIAS = "ns_west alias of east.lab.test."


@pytest.mark.parametrize(
    ("what", "left"),
    [
        (OLD, [f"orders.lab.test: {EAST} -> {WEST}"]),
        (NEW, []),
        (HALF, [f"orders.lab.test: ns_east {EAST}; ns_west {WEST} -> {WEST}"]),
        (CUT_OFF, []),
        (ALL_GONE, [f"orders.lab.test: ns_east {SILENT}; ns_west {SILENT} -> {WEST}"]),
        (TOO_FEW, [f"orders.lab.test: ns_east {SILENT}; ns_west {WEST} -> {WEST}"]),
        (EMPTY, [f"orders.lab.test: ns_east (no address); ns_west {EAST} -> {WEST}"]),
        (ALIAS, [f"orders.lab.test: ns_east {WEST}; {AN_ALIAS} -> {WEST}"]),
    ],
)
def test_what_a_redirect_would_change(what: Pointing, left: list[str]) -> None:
    assert [str(change) for change in Redirect().changes(what)] == left


def test_the_change_shown_for_consent_does_not_depend_on_which_servers_answer() -> None:
    results = {
        (change.subject, change.after)
        for what in (OLD, HALF, ALL_GONE, TOO_FEW, EMPTY)
        for change in Redirect().changes(what)
    }
    assert results == {("orders.lab.test", WEST)}


@pytest.mark.parametrize(
    ("what", "waits"),
    [
        (OLD, False),
        (HALF, False),
        (ALL_GONE, True),
        (TOO_FEW, True),
        (EMPTY, False),
        (ALIAS, False),
    ],
)
def test_a_redirect_waits_for_servers_rather_than_applying_again(
    what: Pointing, *, waits: bool
) -> None:
    reason = Redirect().reason_to_wait(what)
    assert bool(reason) == waits
    if reason:
        assert f"of at least {what.min_servers} servers agree" in reason
        assert f"ns_east {SILENT}" in reason


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (OLD, None),
        (HALF, None),
        (EMPTY, None),
        (ALL_GONE, None),
        (ALIAS, f"the plan is stale: orders.lab.test is {AN_ALIAS}, expected {WEST} or {EAST}"),
        (
            STRANGE,
            f"the plan is stale: orders.lab.test is ns_east {OTHER}, expected {WEST} or {EAST}",
        ),
        (
            TWO_VALUES,
            f"the plan is stale: orders.lab.test is ns_east {BOTH}, expected {WEST} or {EAST}",
        ),
    ],
)
def test_when_a_redirect_refuses(what: Pointing, reason: str | None) -> None:
    assert Redirect().reason_not_to_apply(what, FACTS) == reason


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (NEW, None),
        (CUT_OFF, None),
        (HALF, f"orders.lab.test is ns_east {EAST}, expected {WEST}"),
        (ALIAS, f"orders.lab.test is {AN_ALIAS}, expected {WEST}"),
        (EMPTY, f"orders.lab.test is ns_east (no address); ns_west {EAST}, expected {WEST}"),
        (TOO_FEW, f"1 of at least 2 servers agree: ns_east {SILENT}; ns_west {WEST}"),
        (ALL_GONE, f"0 of at least 1 servers agree: ns_east {SILENT}; ns_west {SILENT}"),
    ],
)
def test_whether_a_name_resolves(what: Pointing, reason: str | None) -> None:
    assert Resolves().judge(what, FACTS) == reason


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (OLD, None),
        (
            seen(says("east", EAST, ttl=300), says("west", EAST)),
            "TTL of orders.lab.test: ns_east 5m, at most 5s",
        ),
        (ALIAS, f"orders.lab.test is {AN_ALIAS}, expected an address"),
        (EMPTY, "orders.lab.test is ns_east (no address), expected an address"),
        (
            ALL_GONE,
            f"no server answers for orders.lab.test: ns_east {SILENT}; ns_west {SILENT}",
        ),
    ],
)
def test_whether_a_ttl_is_short_enough(what: Pointing, reason: str | None) -> None:
    assert Ttl(max=Duration(5)).judge(what, FACTS) == reason


def test_what_lowering_a_ttl_would_change() -> None:
    lower = LowerTtl(ttl=Duration(5))
    long = seen(says("east", EAST, ttl=300), says("west", EAST, ttl=60))
    for what, left in ((long, ["TTL of orders.lab.test: 5m -> 5s"]), (OLD, []), (ALL_GONE, [])):
        looked = what.model_copy(update={"wanted_ttl": Duration(5)})
        assert [str(change) for change in lower.changes(looked)] == left
    assert lower.reason_not_to_apply(ALL_GONE, FACTS)
    assert AN_ALIAS in (lower.reason_not_to_apply(ALIAS, FACTS) or "")
    assert lower.reason_not_to_apply(OLD, FACTS) is None


@pytest.mark.parametrize(
    ("action", "example"),
    [
        (Redirect, {"ttl": "10s", "replaces": EAST}),
        (LowerTtl, {"ttl": "5s"}),
        (Resolves, {"name": "other.lab.test"}),
        (Ttl, {"max": "30s"}),
    ],
)
def test_contract(action: type[Redirect | LowerTtl | Resolves | Ttl], example: Fields) -> None:
    check_action(action, example, FACTS)


def test_by_hand_never_leaves_the_name_empty() -> None:
    lines = Redirect().by_hand(FACTS)
    updates = [line for line in lines if line.startswith("$ nsupdate")]
    assert len(updates) == 2
    for line in updates:
        assert f"prereq yxrrset orders.lab.test A {EAST}" in line
        assert line.index("update delete") < line.index(f"update add orders.lab.test 5 A {WEST}")
    assert f"$ dig @{EAST} +short orders.lab.test A" in lines


def test_actions_are_read_without_dnspython() -> None:
    code = (
        "import sys, drtool.actions.dns, drtool.actions.http, drtool.actions.tcp, "
        "drtool.actions.power, drtool.actions.wait; "
        "print([m for m in ('dns', 'httpx', 'psycopg', 'paramiko') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("action", "key"), [(Redirect, "address"), (Redirect, "replaces"), (Resolves, "address")]
)
@pytest.mark.parametrize("address", ["2001:db8::10", "west.test", "192.0.2.256"])
def test_what_no_a_record_can_hold_is_a_fault(
    action: type[Redirect | Resolves], key: str, address: str
) -> None:
    with pytest.raises(ValidationError, match=f"'{address}' is no IPv4 address; drtool writes A"):
        action.model_validate({key: address})
