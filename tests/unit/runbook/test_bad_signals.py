"""What an inventory may say of signals: each fault gives its place, its reason and its fix."""

# ruff: noqa: E501, ISC004 - messages stand as they are told
from __future__ import annotations

import re
from pathlib import Path

import pytest
from good_documents import Lint, Load

from drtool.model.signals import HOLD_DOWN, WINDOW

AFTER = "    lease: {at: postgresql}\n"
GOOD = '[{http: "http://orders.test/"}, {heartbeat: west.orders_db}]'
ONE_PLACE = (
    "one place that is cut off sees an outage that nobody else sees; add one that looks from "
    "elsewhere, as {heartbeat: SITE.SYSTEM} at the standby, or from_host: HOST"
)
KINDS = "exactly one of http, tcp, heartbeat, ssh, command"


HOW_TO = Path(__file__).parents[3] / "docs/how-to/watch.md"
SHOWN = re.findall(
    r"```yaml\nservices:\n  orders:\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.parametrize("shown", SHOWN)
def test_what_the_documentation_shows_is_taken(loading: Load, shown: str) -> None:
    assert loading(inventory=[(AFTER, AFTER + shown)]).inventory.services["orders"].signals


def service(*lines: str) -> list[tuple[str, str]]:
    return [(AFTER, AFTER + "".join(f"    {line}\n" for line in lines))]


def test_signals_from_two_places_are_taken_and_nothing_is_automatic(loading: Load) -> None:
    orders = loading(inventory=service(f"signals: {GOOD}")).inventory.services["orders"]
    assert [str(one) for one in orders.signals] == [
        "http http://orders.test/",
        "heartbeat west.orders_db",
    ]
    assert (orders.hold_down, orders.automatic) == (HOLD_DOWN, None)


def test_what_is_automatic_names_who_allowed_it(loading: Load) -> None:
    said = "automatic: {failover: {runbook: orders.yaml, allowed_by: Ann Example}}"
    given = loading(inventory=service(f"signals: {GOOD}", said))
    automatic = given.inventory.services["orders"].automatic
    assert automatic is not None
    assert automatic.failover.allowed_by == "Ann Example"
    assert automatic.failover.at_most_once_in == WINDOW


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            ['signals: [{http: "http://orders.test/"}, {tcp: east.orders_db}]'],
            "8:14: service orders: all signals look from one place, the machine of `drtool watch`\n"
            f"  hint: {ONE_PLACE}",
        ),
        (
            ["signals: [{heartbeat: west.orders_db}, {tcp: east.orders_db, from_host: west_db}]"],
            "8:14: service orders: all signals look from one place, west\n"
            f"  hint: {ONE_PLACE}",
        ),
        (
            ["signals: []"],
            "8:14: service orders: signals is an empty list\n  hint: leave it out, or add two",
        ),
        (
            ["signals: [{tcp: east.orders}, {heartbeat: west.orders_db}]"],
            "8:21: service orders, signals: unknown system east.orders\n"
            "  hint: did you mean east.orders_db?",
        ),
        (
            ["signals: [{ssh: east_dbs}, {heartbeat: west.orders_db}]"],
            "8:21: service orders, signals: unknown host east_dbs\n  hint: did you mean east_db?",
        ),
        (
            ["signals: [{http: 'http://x/', ssh: east_db}, {heartbeat: west.orders_db}]"],
            f"8:15: service orders: an item of signals: says http and ssh\n  hint: write {KINDS}",
        ),
        (
            ["signals: [{heartbeat: west.orders_db, from_host: west_db}, {ssh: east_db}]"],
            "8:15: service orders: an item of signals: heartbeat has a place to look from of its own\n"
            "  hint: leave out from_host",
        ),
        (
            [f"signals: {GOOD}", "hold_down: 43s"],
            "9:16: service orders: hold_down: 43s is shorter than 1m\n"
            "  hint: a blip must not count as an outage",
        ),
        (
            ["automatic: {failover: {runbook: orders.yaml, allowed_by: Ann}}"],
            "8:16: service orders: automatic without signals has nothing to go by\n"
            "  hint: signals: [{http: URL}, {heartbeat: SITE.SYSTEM}]",
        ),
        (
            [f"signals: {GOOD}", "automatic: {failover: {runbook: orders.yaml}}"],
            "9:27: service orders: allowed_by is missing",
        ),
        (
            [
                f"signals: {GOOD}",
                "automatic: {failover: {runbook: o.yaml, allowed_by: Ann, at_most_once_in: 10m}}",
            ],
            "9:79: service orders: at_most_once_in: 10m is shorter than 1h\n"
            "  hint: what flaps must be left to a person",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_signals_is_told_with_its_place(lint: Lint, lines: list[str], told: str) -> None:
    (said,) = lint(inventory=service(*lines))
    assert said == f"inventory.yaml:{told}"
