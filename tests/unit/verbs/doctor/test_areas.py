"""Hosts, power controllers, DNS, services, secrets: what is unfit, and its cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fit_world import (
    EAST,
    NOW,
    WEST,
    controller,
    name_server,
    only,
    scope,
    seen,
    server,
    unfit,
    vitals,
)

from drtool.connections.dns import Answer
from drtool.connections.http import HttpReader, Reply
from drtool.connections.ssh_vitals import Space
from drtool.errors import AccessDenied, BadInput, StepFailed, Unreachable
from drtool.lease.dns_record import LeaseRecord
from drtool.model.replication import Holder
from drtool.model.secret import SecretRef
from drtool.verbs.doctor import dns, hosts, others, power, secrets, services
from drtool.verbs.doctor.finding import Area, folded
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Controller, Seen

DENIED = AccessDenied("dns server ns_east (192.0.2.1:53)", "BADSIG", hint="compare dns.key")
LEASE = "_drtool-lease.orders.test"


def host(**changed: Any) -> Seen:
    return seen(hosts={"east_db": vitals(**changed), "west_db": vitals()})


def switched(**changed: Any) -> Seen:
    return seen(controllers={"east_db": controller(**changed)})


def named(*values: str, **changed: Any) -> Seen:
    return seen(name_servers={"ns_east": name_server(*values, **changed)})


def disk(free: int) -> Space:
    return Space(path="/srv/pg", free_bytes=free, total_bytes=1_000_000_000_000)


def page(found: Any) -> Seen:
    return seen(pages={"orders": found})


def judged(about: Scope, found: Seen) -> list[Any]:
    return [
        finding
        for area in (hosts, power, dns, services, others)
        for finding in area.findings(about, found)
    ]


def test_all_is_well() -> None:
    found = judged(scope(), seen())
    assert not unfit(found)
    assert [one.subject for one in found] == [
        "host east_db", "host west_db", "controller of east_db", "server ns_east", "orders.test",
        "service orders", "lease of orders",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "found", "cure"),
    [
        (lambda: host(command_seconds=1.5), "makes every command 1.50 s slower",
         "sh -x ~/.profile"),
        (lambda: host(spaces=(disk(10_000_000_000),)), "10.0 GB free at /srv/pg",
         "free space there"),
        (lambda: host(spaces=(disk(100_000_000_000),)), "10% of it", "free space there"),
        (lambda: seen(hosts={"east_db": AccessDenied("ssh host east_db", "turned us away")}),
         "turned us away", "try: ssh -p 22 postgres@192.0.2.1 true"),
        (lambda: switched(system="2"), "answers for system 2", "hosts.east_db.power"),
        (lambda: switched(power="Off"), "the host answers over SSH", "hosts.east_db.power"),
        (lambda: switched(restore_policy=None), "tells no PowerRestorePolicy", "firmware"),
        (lambda: switched(certificate_ends=NOW + timedelta(days=3)), "ends on 2026-11-26", "renew"),
        (lambda: seen(controllers={"east_db": AccessDenied("controller", "denies us", hint="see")}),
         "denies us", "see; try: curl -u drtool https://192.0.2.101/redfish/v1/Systems/1"),
        (lambda: named(ttl=3600), "its TTL is 1h", "dns.lower_ttl"),
        (lambda: named("192.0.2.2"), "leads to 192.0.2.2, and the primary is at east", "192.0.2.1"),
        (lambda: named("192.0.2.1", refusal=DENIED), "BADSIG", "compare dns.key"),
        (lambda: page(StepFailed("GET", "speaks no HTTP")), "speaks no HTTP", "curl -v http://"),
        (lambda: page(AccessDenied("GET", "certificate")), "certificate", "curl -v http://"),
        (lambda: page(Reply(method="GET", url="u", address="a", status=503)), "answers 503",
         "curl -v http://orders.test:8080"),
        (lambda: seen(others={(HttpReader, "x"): Unreachable("x", "is silent")}), "is silent",
         "correct it in inventory.yaml"),
    ],
)  # fmt: skip
def test_what_is_unfit_is_told_once_with_its_cure(
    made: Callable[[], Seen], found: str, cure: str
) -> None:
    told = only(judged(scope(), made()))
    assert found in told.found
    assert cure in told.cure


def test_a_password_in_clear_is_warned_of() -> None:
    def clear(document: dict[str, Any]) -> None:
        document["hosts"]["east_db"]["power"]["redfish"] = "http://192.0.2.101"

    told = only(power.findings(scope(clear), switched(certificate_ends=None)))
    assert "without TLS" in told.found


def two_servers(document: dict[str, Any]) -> None:
    servers = document["dns"]["servers"]
    servers["ns_west"] = {"site": "west", "address": "192.0.2.2"}


def test_servers_that_differ_are_shown_side_by_side() -> None:
    found = seen(name_servers={"ns_east": name_server(), "ns_west": name_server("192.0.2.2")})
    told = only(dns.findings(scope(two_servers), found))
    assert told.found == "ns_east 192.0.2.1, ns_west 192.0.2.2"
    assert "nsupdate" in told.cure


def test_serials_that_differ_name_the_server_behind() -> None:
    found = seen(name_servers={"ns_east": name_server(), "ns_west": name_server(serial=6)})
    told = only(dns.findings(scope(two_servers), found))
    assert told.found == "serials differ: ns_east 7, ns_west 6"
    assert told.cure.startswith("let ns_west transfer the zone anew")


def test_a_key_that_all_refuse_for_one_reason_is_told_of_once() -> None:
    other = AccessDenied("dns server ns_west", DENIED.found, hint=DENIED.hint)
    both = {"ns_east": name_server(refusal=DENIED), "ns_west": name_server(refusal=other)}
    told = only(folded(dns.findings(scope(two_servers), seen(name_servers=both))))
    assert told.subject == "dns server ns_east (192.0.2.1:53) and dns server ns_west"
    assert told.found == "BADSIG"


def test_too_few_servers_are_told_beside_the_silent_one() -> None:
    def both_needed(document: dict[str, Any]) -> None:
        two_servers(document)
        document["dns"]["min_servers"] = 2

    silent = Unreachable("dns server ns_west", "does not answer in time")
    found = seen(name_servers={"ns_east": name_server(), "ns_west": silent})
    told = unfit(dns.findings(scope(both_needed), found))
    assert told[0].cure.endswith("try: dig @192.0.2.2 -p 53 test SOA")
    assert told[1].found == "1 of its 2 servers answer: clients cannot be moved"


def test_a_name_without_an_address_is_a_problem() -> None:
    empty = name_server(endpoints={"orders": Answer(name="orders.test")})
    assert only(dns.findings(scope(), seen(name_servers={"ns_east": empty}))).found == (
        "ns_east (none)"
    )


def test_what_dns_tells_is_not_told_of_the_page_again() -> None:
    error = Unreachable("name orders.test", "no server of zone test answers")
    assert not unfit(services.findings(scope(), page(error)))


def test_the_holder_of_a_lease_is_named() -> None:
    holder = Holder(pid=7, application_name="drtool:ann@laptop:20261123-051401-7f3a")
    found = seen(servers={EAST: server(EAST), WEST: server(WEST, leases={"orders": holder})})
    told = only(services.findings(scope(), found))
    assert told.found == "held by ann@laptop, at west.orders_db"
    assert told.cure.startswith("drtool attach 20261123-051401-7f3a")


def lease_at(where: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        two_servers(document)
        document["services"]["orders"]["lease"] = {"at": where}

    return change


def test_a_lease_in_the_journal_covers_one_machine_only() -> None:
    assert "a second machine" in only(services.findings(scope(lease_at("journal")), seen())).found


def record(*values: str) -> Seen:
    answer = Answer(name=LEASE, rdtype="TXT", values=values)
    servers = {
        "ns_east": name_server(leases={"orders": answer}),
        "ns_west": name_server(leases={"orders": answer}),
    }
    return seen(name_servers=servers)


@pytest.mark.parametrize("values", [(), (LeaseRecord(token=3).text(),)])
def test_a_free_record_is_a_free_lease(values: tuple[str, ...]) -> None:
    found = [*services.findings(scope(lease_at("dns")), record(*values))]
    assert found[-1].found == "free at ns_east and ns_west"


def test_records_of_somebody_and_of_nobody() -> None:
    taken = LeaseRecord(token=3, run="r1", holder="ann", expires=NOW + timedelta(seconds=30))
    told = unfit(services.findings(scope(lease_at("dns")), record(taken.text())))
    assert told[0].found == "held by ann, at ns_east"
    over = taken.model_copy(update={"expires": NOW - timedelta(seconds=30)})
    assert not unfit(services.findings(scope(lease_at("dns")), record(over.text())))
    strange = unfit(services.findings(scope(lease_at("dns")), record('"v=spf1 -all"')))
    assert strange[0].found == "its record at ns_east is no lease"


def test_a_site_without_a_server_cannot_arbitrate() -> None:
    def only_east(document: dict[str, Any]) -> None:
        document["services"]["orders"]["lease"] = {"at": "dns"}

    told = only(services.findings(scope(only_east), seen()))
    assert told.found == "site west has no dns server"


def test_a_site_with_two_databases_has_no_arbiter() -> None:
    def second(document: dict[str, Any]) -> None:
        systems = document["sites"]["east"]["systems"]
        systems["other_db"] = {**systems["orders_db"], "host": "west_db"}

    told = only(services.findings(scope(second), seen()))
    assert "2 PostgreSQL systems" in told.found
    assert "{at: dns}" in told.cure


def test_secrets_that_do_not_resolve_are_named() -> None:
    good, bad = SecretRef(secret="env:A"), SecretRef(secret="env:B")
    error = BadInput("secret env:B", "the variable is not set", hint="export B=...")
    found = [*secrets.findings(replace(seen(), secrets={good: None, bad: error}))]
    assert only(found).cure == "export B=..."
    assert (found[1].subject, found[1].found) == ("1 secret", "resolve")


def test_a_controller_without_a_restore_policy_does_where_nothing_is_fenced_by_power() -> None:
    def over_ssh(document: dict[str, Any]) -> None:
        document["sites"]["east"]["systems"]["orders_db"]["fence"] = ["ssh"]

    made: Controller = controller(restore_policy=None)
    assert not unfit(power.findings(scope(over_ssh), seen(controllers={"east_db": made})))


def test_what_is_well_is_never_folded() -> None:
    fit = [Area.DNS.well("a", "fits"), Area.DNS.well("b", "fits")]
    assert folded(fit) == tuple(fit)
