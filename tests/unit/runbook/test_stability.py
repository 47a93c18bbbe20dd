"""What a recovery needs, and which of it goes with a site."""

from __future__ import annotations

from pathlib import Path

import pytest
from good_documents import INVENTORY, RUNBOOK, Change, changed, write

from drtool.catalog import Catalog
from drtool.model.purpose import Procedure
from drtool.model.stability import Here, Kind, Lost, Need, Without
from drtool.runbook.load import load
from drtool.runbook.lost_sites import faults_of_lost_sites, without

TWO_SERVERS = (
    "ns_east: {site: east, address: 192.0.2.1}",
    "ns_east: {site: east, address: 192.0.2.1}\n    ns_west: {site: west, address: 192.0.2.2}",
)
MACHINES = [
    ("east:\n    address: 192.0.2.1", "east:\n    machines: [ops-1]\n    address: 192.0.2.1"),
    ("west:\n    address: 192.0.2.2", "west:\n    machines: [ops-2]\n    address: 192.0.2.2"),
]
OPS_1 = Here(machine="ops-1", home="/home/drtool")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


class Documents:
    """The good documents with changes, judged."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def write(self, runbook: list[Change], inventory: list[Change]) -> None:
        write("orders.yaml", changed(RUNBOOK, runbook))
        write("inventory.yaml", changed(INVENTORY, [TWO_SERVERS, *inventory]))

    def without(
        self,
        *inventory: Change,
        runbook: tuple[Change, ...] = (),
        site: str = "east",
        here: Here = OPS_1,
    ) -> Without:
        self.write(list(runbook), list(inventory))
        loaded = load(Path("orders.yaml"), None, self.catalog, {})
        found = without(loaded, site, self.catalog, here)
        return found[0]

    def faults(self, *inventory: Change, runbook: tuple[Change, ...] = ()) -> list[str]:
        self.write(list(runbook), list(inventory))
        loaded = load(Path("orders.yaml"), None, self.catalog, {})
        return list(faults_of_lost_sites(loaded, self.catalog))


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> Documents:
    monkeypatch.chdir(tmp_path)
    return Documents(catalog)


def one(found: Without, kind: Kind, words: str = "") -> Need:
    (need,) = [one for one in found.needs if one.kind is kind and words in one.what]
    return need


def test_what_the_other_site_has_stays(documents: Documents) -> None:
    found = documents.without()
    assert (found.procedure, found.site, found.to_site) == (Procedure.FAILOVER, "east", "west")
    arbiter = one(found, Kind.ARBITER)
    assert (arbiter.what, arbiter.where, arbiter.lost) == (
        "lease of orders", "PostgreSQL west.orders_db, at west", Lost.NO,
    )  # fmt: skip
    database = one(found, Kind.SYSTEM)
    assert (database.what, database.lost) == ("postgresql west.orders_db", Lost.NO)
    assert database.steps == ("loss_now", "promote")
    assert not [need for need in found.needs if need.fatal]


def test_dns_counts_the_servers_that_remain(documents: Documents) -> None:
    servers = one(documents.without(), Kind.DNS)
    assert servers.lost is Lost.NO
    assert servers.where == "ns_east at east, ns_west at west; 1 would remain, 1 must"
    assert servers.steps == ("redirect", "answers")
    more = ("  zone: test", "  zone: test\n  min_servers: 2")
    servers = one(documents.without(more), Kind.DNS)
    assert (servers.lost, servers.needed) == (Lost.YES, True)
    assert "1 would remain, 2 must" in servers.where
    assert servers.todo


def test_where_drtool_runs_is_asked_for_and_said(documents: Documents) -> None:
    machine = one(documents.without(), Kind.MACHINE)
    assert (machine.lost, machine.where) == (Lost.UNKNOWN, "nobody has said where")
    assert "sites.SITE.machines: [ops-1]" in machine.todo
    machine = one(documents.without(MACHINES[0]), Kind.MACHINE)
    assert (machine.lost, machine.where) == (Lost.YES, "at east")
    assert machine.fatal
    machine = one(documents.without(*MACHINES), Kind.MACHINE)
    assert (machine.lost, machine.where) == (Lost.NO, "at east; ops-2 at west")
    assert "ops-2" in machine.todo
    machine = one(documents.without(*MACHINES, here=Here(machine="ops-2.west.test")), Kind.MACHINE)
    assert (machine.lost, machine.todo) == (Lost.NO, "")


def test_what_lies_on_that_machine_goes_with_it(documents: Documents) -> None:
    found = documents.without(MACHINES[0])
    lying = [(Kind.SECRET, "env:BMC"), (Kind.SECRET, "file:tsig")]
    lying += [(Kind.DOCUMENT, "orders.yaml"), (Kind.DOCUMENT, "inventory.yaml")]
    for kind, what in lying:
        need = one(found, kind, what)
        assert (need.lost, need.needed) == (Lost.YES, True), need
    journal = one(found, Kind.JOURNAL)
    assert (journal.lost, journal.needed) == (Lost.YES, False)
    assert "adopts" in journal.instead


def test_a_journal_that_is_the_arbiter_is_needed(documents: Documents) -> None:
    at_journal = ("lease: {at: postgresql}", "lease: {at: journal}")
    arbiter = one(documents.without(at_journal, MACHINES[0]), Kind.ARBITER)
    assert (arbiter.lost, arbiter.needed) == (Lost.YES, True)
    assert "lease: {at: postgresql}" in arbiter.todo


def test_a_network_disk_and_a_command_are_where_they_are_said_to_be(documents: Documents) -> None:
    held = ("east:\n    address", "east:\n    holds: [/mnt/east, vault.east.test]\n    address")
    disk = ('"file:tsig"', '"file:/mnt/east/tsig"')
    need = one(documents.without(held, disk), Kind.SECRET, "tsig")
    assert (need.lost, need.where) == (Lost.YES, "at east")
    asked = ('"file:tsig"', '"command:vault read -address=https://vault.east.test/ tsig"')
    need = one(documents.without(held, asked), Kind.SECRET, "vault")
    assert (need.lost, need.where) == (Lost.YES, "asks vault.east.test, at east")
    need = one(documents.without(asked), Kind.SECRET, "vault")
    assert need.lost is Lost.UNKNOWN


def test_a_power_controller_is_asked_after(documents: Documents) -> None:
    fence = one(documents.without(), Kind.FENCE)
    assert fence.what == "fence of east_db"
    assert (fence.lost, fence.needed) == (Lost.UNKNOWN, False)
    assert "hosts.east_db.power.out_of_band" in fence.todo
    assert "drtool state" in fence.instead
    apart = ('system: "1"', 'system: "1", out_of_band: true')
    fence = one(documents.without(apart), Kind.FENCE)
    assert (fence.lost, fence.todo) == (Lost.NO, "")
    beside = ('system: "1"', 'system: "1", out_of_band: false')
    fence = one(documents.without(beside), Kind.FENCE)
    assert (fence.lost, fence.needed) == (Lost.YES, False)
    outside = ("version: 1\n", "version: 1\noutside: [192.0.2.101]\n")
    assert one(documents.without(outside), Kind.FENCE).lost is Lost.NO


def test_a_step_that_acts_at_the_lost_site_is_needed_unless_it_may_fail(
    documents: Documents,
) -> None:
    step = "    - use: move_clients\n  switchover"
    acting = "    - {step: flush, action: ssh.run, at: from.east_db, argv: [flush]%s}\n"
    sited = ("  east_db:\n    ssh", "  east_db:\n    site: east\n    ssh")
    found = documents.without(sited, runbook=((step, acting % "" + step),))
    need = one(found, Kind.HOST, "east_db")
    assert (need.lost, need.steps, need.fatal) == (Lost.YES, ("flush",), True)
    lenient = acting % ", on_failure: continue"
    found = documents.without(sited, runbook=((step, lenient + step),))
    assert not one(found, Kind.HOST, "east_db").needed


def test_a_web_address_is_where_its_name_or_its_region_is(documents: Documents) -> None:
    def asked(url: str) -> Change:
        step = f"    - {{step: weigh, check: http.answers, url: '{url}'}}\n"
        return (
            "    - use: move_clients\n  switchover",
            f"{step}    - use: move_clients\n  switchover",
        )

    found = documents.without(runbook=(asked("https://traffic.test/"),))
    need = one(found, Kind.ENDPOINT)
    assert (need.what, need.lost) == ("traffic.test", Lost.UNKNOWN)
    found = documents.without(runbook=(asked("http://{{ to_site.address }}:8080"),))
    assert one(found, Kind.ENDPOINT).lost is Lost.NO
    regions = [("east:\n    address", "east:\n    region: us-east-1\n    address"),
               ("west:\n    address", "west:\n    region: eu-west-1\n    address")]  # fmt: skip
    found = documents.without(*regions, runbook=(asked("https://route53.amazonaws.com/"),))
    need = one(found, Kind.ENDPOINT)
    assert (need.lost, need.fatal) == (Lost.YES, True)
    assert "control plane" in need.where
    assert "us-east-1" in need.where
    found = documents.without(*regions, runbook=(asked("https://ec2.eu-west-1.amazonaws.com/"),))
    assert one(found, Kind.ENDPOINT).lost is Lost.NO


@pytest.mark.parametrize(
    ("named", "step"),
    [
        (("https://192.0.2.101", "https://bmc.east.test"), "fence"),
        (("http://orders.test:8080", "http://orders.cdn.example:8080"), "answers"),
    ],
)
def test_whom_this_machine_asks_for_a_name_is_needed_where_it_is_asked(
    documents: Documents, named: Change, step: str
) -> None:
    here = Here(machine="ops-1", resolvers=("192.0.2.53",))
    assert not [need for need in documents.without(here=here).needs if need.kind is Kind.RESOLVER]
    resolver = one(documents.without(named, here=here), Kind.RESOLVER)
    assert step in resolver.steps


def test_prefect_and_slack_are_lost_without_harm(documents: Documents) -> None:
    slack = ("roles:", "notify: {webhook: {url: {secret: 'env:HOOK'}}}\nroles:")
    here = Here(machine="ops-1", prefect="http://192.0.2.1:4200/api")
    found = documents.without(slack, here=here)
    prefect, notices = one(found, Kind.PREFECT), one(found, Kind.NOTICES)
    assert (prefect.lost, prefect.needed) == (Lost.YES, False)
    assert "directly" in prefect.instead
    assert not notices.needed
    assert not one(found, Kind.SECRET, "env:HOOK").needed


def test_lint_tells_the_place_of_what_is_declared_to_be_lost(documents: Documents) -> None:
    assert documents.faults() == []
    more = ("  zone: test", "  zone: test\n  min_servers: 2")
    fault, other = documents.faults(more)
    assert fault.startswith("inventory.yaml:27:16: failover without east")
    assert other.startswith("inventory.yaml:27:16: failover without west")
    assert "DNS" in fault
    assert "hint: " in fault
    (fault,) = documents.faults(MACHINES[0])
    assert fault.startswith("inventory.yaml:10:15: failover without east")
    assert "ops-1" in fault


def test_lint_looks_at_each_site_that_may_be_lost(documents: Documents) -> None:
    rest = "    - use: move_clients\n  switchover"
    warm = "    - {step: warm, action: ssh.run, at: west.west_db, argv: [warm]}\n"
    only_west = (rest, warm + rest)
    sited = ("  west_db:\n    ssh", "  west_db:\n    site: west\n    ssh")
    (fault,) = documents.faults(sited, runbook=(only_west,))
    assert fault.startswith("orders.yaml:17:")
    assert "failover without west: step warm acts at west.west_db" in fault


def test_a_waiver_with_a_reason_silences_lint_and_not_the_doctor(documents: Documents) -> None:
    waiver = ("procedures:", "waivers: {static_stability: 'one office only'}\nprocedures:")
    assert documents.faults(MACHINES[0], runbook=(waiver,)) == []
    found = documents.without(MACHINES[0], runbook=(waiver,))
    assert found.waiver == "one office only"
    assert found.fatal
