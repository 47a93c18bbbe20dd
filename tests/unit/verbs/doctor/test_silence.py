from __future__ import annotations

from typing import Any

import pytest
from fit_world import EAST, WEST, data, name_server, only, replication, scope, seen, server, vitals

from drtool.errors import BadInput, DrtoolError, MissingExtra, StepFailed, Unreachable
from drtool.verbs.doctor.examine import judged
from drtool.verbs.doctor.seen import Seen
from drtool.verbs.doctor.silence import told_once


def silent(what: str) -> Unreachable:
    return Unreachable(what, "does not answer in time")


def both_dns(document: dict[str, Any]) -> None:
    servers = document["dns"]["servers"]
    servers["ns_west"] = {"site": "west", "address": "192.0.2.2"}


def east_is_dead(**changed: Any) -> Seen:
    """Everything at east is silent but the power controller."""
    told: dict[str, Any] = {
        "hosts": {"east_db": silent("ssh"), "west_db": vitals()},
        "data": {EAST: silent("ssh"), WEST: data(WEST)},
        "servers": {EAST: silent("pg"), WEST: server(WEST)},
        "name_servers": {"ns_east": silent("dns"), "ns_west": name_server()},
        "pages": {"orders": silent("GET http://orders.test:8080 at 192.0.2.1")},
    }
    return seen(**{**told, **changed})


def test_a_dead_site_is_one_problem_with_all_its_doors() -> None:
    about, found = scope(both_dns), east_is_dead()
    told, rest = told_once(about, found)
    assert only([*told, *judged(about, rest)]).subject == "host east_db"
    assert told[0].found == (
        "does not answer at 192.0.2.1: SSH on port 22, PostgreSQL east.orders_db on 5432, "
        "DNS ns_east on 53, service orders"
    )
    assert told[0].cure == (
        "bring it up; if site east is lost: drtool failover orders.yaml --from east"
    )


def test_after_a_failover_the_lost_host_wants_reprotecting() -> None:
    primary = server(WEST, replication=replication(WEST, in_recovery=False, current=1))
    told, _ = told_once(scope(both_dns), east_is_dead(servers={EAST: silent("pg"), WEST: primary}))
    assert told[0].cure == "bring it up; if it was failed over from: drtool reprotect orders.yaml"


def test_a_host_of_which_a_door_answers_is_not_silent() -> None:
    found = east_is_dead(hosts={"east_db": vitals(), "west_db": vitals()})
    told, rest = told_once(scope(both_dns), found)
    assert not told
    assert EAST in rest.servers


@pytest.mark.parametrize(
    "error",
    [
        BadInput("secret env:X", "the variable is not set"),
        MissingExtra("postgresql east.orders_db", "postgresql"),
    ],
)
def test_what_only_follows_from_a_secret_or_an_extra_is_not_told(error: DrtoolError) -> None:
    about, found = scope(), seen(servers={EAST: error, WEST: server(WEST)})
    told, rest = told_once(about, found)
    assert not told
    assert not [one for one in judged(about, rest) if one.cure]


def test_what_is_read_over_an_ssh_that_does_not_work_is_not_told_twice() -> None:
    slow = StepFailed("ssh host east_db", "a short command does not end within 3 s", hint="sh -x")
    about = scope()
    found = seen(
        hosts={"east_db": slow, "west_db": vitals()}, data={EAST: silent("x"), WEST: data(WEST)}
    )
    told, rest = told_once(about, found)
    assert only([*told, *judged(about, rest)]).cure == "sh -x"


def test_a_silent_host_without_a_server_is_brought_up() -> None:
    def alone(document: dict[str, Any]) -> None:
        key = document["hosts"]["east_db"]["ssh"]["host_key"]
        document["hosts"]["web"] = {"ssh": {"address": "192.0.2.7", "user": "u", "host_key": key}}
        document["dns"]["servers"]["ns_web"] = {"site": "east", "address": "192.0.2.7"}

    found = seen(
        hosts={"east_db": vitals(), "web": silent("ssh")},
        name_servers={"ns_east": name_server(), "ns_web": silent("dns")},
    )
    told, _ = told_once(scope(alone), found)
    assert told[0].cure == "bring it up, or correct web in inventory.yaml"
