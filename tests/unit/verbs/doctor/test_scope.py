"""What is looked at: an inventory as a whole, or what a runbook's procedures need."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest
from good_documents import INVENTORY, RUNBOOK, changed, write

from drtool.action import Check, Facts, Look
from drtool.catalog import Catalog
from drtool.clock import SystemClock
from drtool.connections.reach import Context, Reader, Writer
from drtool.errors import BadInput
from drtool.model.purpose import Procedure, Purpose
from drtool.model.secret import secrets_in
from drtool.model.value import Value
from drtool.verbs.doctor import postgresql, services, sums
from drtool.verbs.doctor.documents import read_documents
from drtool.verbs.doctor.plans import all_plans, ways_of
from drtool.verbs.doctor.scope import Scope, of_plans, whole
from drtool.verbs.doctor.seen import Seen

SPARE = '    power: {redfish: "https://192.0.2.101"'


class Gate(Reader):
    """A connection of a kind that the doctor does not know."""

    opened: list[str] = []

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        cls.opened.append(f"{cls.__name__} {target}")
        return cls()


class GateHands(Gate, Writer):
    """Its writer, which is never opened."""


class Nothing(Value):
    pass


class GateCheck(Check[Nothing]):
    purpose = Purpose.ASSESS

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        return [(GateHands, "north"), (Gate, "north")]

    def observe(self, look: Look) -> Nothing:
        return Nothing()

    def judge(self, seen: Nothing, facts: Facts) -> str | None:
        return None


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("orders.yaml", RUNBOOK)
    write("inventory.yaml", INVENTORY)
    return tmp_path


def planned(catalog: Catalog | None = None) -> Scope:
    catalog = catalog or Catalog.load()
    loaded = read_documents(Path("orders.yaml"), None, catalog, {}).loaded
    assert loaded is not None
    plans, faults = all_plans(loaded, catalog)
    assert not faults
    return of_plans(plans, catalog, SystemClock(), "orders.yaml", "inventory.yaml")


def test_every_procedure_is_planned_in_every_direction() -> None:
    sites = ["east", "west", "north"]
    away, home = [("east", "west"), ("east", "north")], [("west", "east"), ("north", "east")]
    assert ways_of(Procedure.FAILOVER, sites, "east") == [*away, *home]
    assert ways_of(Procedure.FAILBACK, sites, "east") == home
    assert ways_of(Procedure.REHEARSAL, sites, "east") == away


@pytest.mark.usefixtures("here")
def test_an_inventory_alone_is_looked_at_as_a_whole() -> None:
    read = read_documents(None, Path("inventory.yaml"), Catalog.load(), {})
    assert [one.found for one in read.findings] == ["no fault"]
    assert read.inventory is not None
    scope = whole(read.inventory, "RUNBOOK", "inventory.yaml")
    assert [*scope.inventory.hosts] == ["east_db", "west_db"]
    assert [ref.secret for ref in scope.secrets] == ["env:BMC", "file:tsig"]


def test_a_runbook_narrows_the_inventory_to_what_its_procedures_need(here: Path) -> None:
    more = (
        "hosts:\n",
        'hosts:\n  other: {ssh: {address: 192.0.2.9, user: u, host_key: "KEY"}}\n'.replace(
            "KEY", INVENTORY.partition('host_key: "')[2].partition('"')[0]
        ),
    )
    service = ("services:\n", "services:\n  mail: {preferred: west}\n")
    write("inventory.yaml", changed(INVENTORY, [more, service]))
    scope = planned()
    assert [*scope.inventory.services] == ["orders"]
    assert [*scope.inventory.hosts] == ["east_db", "west_db"]
    assert scope.inventory.hosts["east_db"].power is not None
    assert [*scope.servers] == ["east.orders_db", "west.orders_db"]
    assert {ref.secret for ref in scope.secrets} == {"env:BMC", "file:tsig"}
    assert str(scope.rpo) == "10s"
    assert scope.others == ()


def test_a_controller_that_no_fence_uses_is_left_alone(here: Path) -> None:
    write("inventory.yaml", changed(INVENTORY, [("fence: [ssh, power]", "fence: [ssh]")]))
    scope = planned()
    assert scope.inventory.hosts["east_db"].power is None
    assert [ref.secret for ref in scope.secrets] == ["file:tsig"]


def test_a_kind_that_has_no_examination_is_opened_by_its_reader(here: Path) -> None:
    write("orders.yaml", RUNBOOK.replace("check: postgresql.data_loss, at: to, max: 0s}",
                                         "check: gate.open}", 1))  # fmt: skip
    catalog = Catalog.load()
    catalog.register("gate.open", GateCheck)
    assert planned(catalog).others == ((Gate, "north"),)


def test_secrets_stand_at_any_depth() -> None:
    assert secrets_in({"a": [1, "x"], "b": None}) == ()


def test_faults_are_findings_and_the_inventory_is_used_all_the_same(here: Path) -> None:
    secret = here / "tsig"
    secret.write_text("x")
    secret.chmod(0o644)
    write("orders.yaml", changed(RUNBOOK, [("at: to, max: 0s", "at: nowhere, max: 0s")]))
    read = read_documents(Path("orders.yaml"), None, Catalog.load(), {})
    assert read.loaded is None
    assert read.inventory is not None
    mode, nowhere = sorted(read.findings, key=lambda one: one.subject)
    assert mode.subject.startswith("inventory.yaml:")
    assert mode.cure == f"chmod 600 {secret.relative_to(here)}"
    assert nowhere.subject.startswith("orders.yaml:")
    assert "nowhere" in nowhere.found


@pytest.mark.usefixtures("here")
def test_a_file_that_is_not_there_is_bad_input() -> None:
    for runbook, inventory in ((Path("nope.yaml"), None), (None, Path("nope.yaml"))):
        with pytest.raises(BadInput, match=r"nope\.yaml: is not there"):
            read_documents(runbook, inventory, Catalog.load(), {})


@pytest.mark.usefixtures("here")
def test_a_parameter_that_is_not_given_is_told_and_the_rest_is_looked_at() -> None:
    text = changed(RUNBOOK, [("procedures:\n", "parameters: {colour: {}}\nprocedures:\n")])
    write("orders.yaml", text.replace("passes: 3", 'passes: 3, path: "/{{ params.colour }}"', 1))
    catalog = Catalog.load()
    loaded = read_documents(Path("orders.yaml"), None, catalog, {}).loaded
    assert loaded is not None
    plans, faults = all_plans(loaded, catalog)
    assert not plans
    assert [one.found for one in faults]
    assert all("colour" in f"{one.subject} {one.found} {one.cure}" for one in faults)


@pytest.mark.usefixtures("here")
def test_budgets_as_they_are_counted_may_take_longer_than_the_objective() -> None:
    catalog = Catalog.load()
    write("orders.yaml", RUNBOOK.replace("rto: 5m", "rto: 1m35s"))
    loaded = read_documents(Path("orders.yaml"), None, catalog, {}).loaded
    assert loaded is not None
    limits = sums.sums_of(all_plans(loaded, catalog)[0], catalog)
    assert [one.procedure for one in limits] == [*loaded.runbook.procedures]
    told = [one for one in sums.findings(limits, "orders.yaml") if one.cure]
    assert [(one.subject, one.expected) for one in told] == [
        ("failover", "at most the RTO of 1m35s")
    ]
    assert "drtool plan orders.yaml failover" in told[0].cure


@pytest.mark.usefixtures("here")
def test_what_lint_warns_of_too_is_told_once() -> None:
    plain = [("lease: {at: postgresql}", "lease: {at: journal}")]
    write("inventory.yaml", changed(INVENTORY, plain).replace(" boot_guard: true,", ""))
    read = read_documents(Path("orders.yaml"), None, Catalog.load(), {})
    assert read.loaded is not None
    assert len(read.loaded.warnings) == 3
    assert not [one for one in read.findings if one.cure]
    told = [
        one
        for area in (postgresql, services)
        for one in area.findings(planned(), Seen(at=SystemClock().wall()))
    ]
    assert [(one.subject, "install the guard" in one.cure) for one in told] == [
        ("east.orders_db", True), ("west.orders_db", True), ("lease of orders", False),
    ]  # fmt: skip


@pytest.mark.usefixtures("here")
def test_other_warnings_of_lint_are_told() -> None:
    write("inventory.yaml", INVENTORY.partition("roles:")[0])
    read = read_documents(Path("orders.yaml"), None, Catalog.load(), {})
    told = [one for one in read.findings if one.cure]
    assert [one.found for one in told] == [
        "the inventory names nobody under roles; anyone may answer approvals"
    ]
