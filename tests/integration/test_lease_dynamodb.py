"""The arbiter that is a DynamoDB item, against moto's server: an emulator, and no DynamoDB."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from dynamodb_table import REGION, TABLE, Table

from drtool.clock import SystemClock
from drtool.connections.dynamodb import DynamodbCell
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.errors import AccessDenied, BadInput, LeaseHeld, MissingExtra, Unreachable
from drtool.lease import dynamodb as leasing
from drtool.lease.dynamodb import take_dynamodb
from drtool.lease.kept import KeptLease
from drtool.lease.whereabouts import where_kept
from drtool.model.inventory import Inventory
from drtool.redact import Redactor

ANN, BEN = "20261123-051401-7f3a", "20261123-051402-0000"


def inventory(emulator: Table, /, **told: Any) -> Inventory:
    kept = {"table": TABLE, "region": REGION, "endpoint_url": emulator.url, **told}
    lease = {"at": "dynamodb", "dynamodb": kept}
    return Inventory.model_validate(
        {
            "version": 1,
            "services": {"orders": {"preferred": "east", "lease": lease}},
            "sites": {"east": {"address": "::1"}, "west": {"address": "::2"}},
        }
    )


def context(emulator: Table, /, clock: SystemClock | None = None, **told: Any) -> Context:
    return Context(inventory(emulator, **told), Secrets(Redactor()), clock or SystemClock())


def take(table: Table, holder: str, run: str, *, by_force: bool = False) -> KeptLease:
    return take_dynamodb("orders", context(table), holder, run, by_force=by_force)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease of two seconds, so that a watch of it ends soon."""
    short = leasing.SPAN.model_copy(update={"seconds": 3.0, "renew": 0.5, "margin": 1.0})
    monkeypatch.setattr(leasing, "SPAN", short)


@pytest.mark.usefixtures("brief")
def test_one_holds_and_the_other_sees_that_it_lives(table: Table) -> None:
    lease = take(table, "ann@desk", ANN)
    lease.check()
    assert lease.arbiter == f"dynamodb {TABLE} in {REGION}"
    with pytest.raises(LeaseHeld) as raised:
        take(table, "ben", BEN)
    assert raised.value.found.startswith(f"held by ann@desk, run {ANN}, token 1, since 2026-11-23")
    assert "--take-over" in raised.value.hint
    lease.release()
    assert "free" in table.item("lease orders")["text"]["S"]
    began = time.monotonic()
    other = take(table, "ben", BEN)
    assert time.monotonic() - began < 3.0, "a free lease is watched by nobody"
    assert other.token > lease.token
    assert int(other.token) <= int(table.item("lease orders")["version"]["N"])
    other.release()


@pytest.mark.usefixtures("brief")
def test_a_record_that_nobody_changes_has_run_out_whatever_the_clocks_say(table: Table) -> None:
    class Behind(SystemClock):
        def wall(self):  # type: ignore[no-untyped-def] # noqa: ANN202
            return super().wall() - timedelta(days=1)

    dead = take(table, "ann", ANN)
    dead._over.set()  # its thread renews no more, as that of a machine that is gone
    taken = take_dynamodb("orders", context(table, Behind()), "ben", BEN)
    assert taken.token > dead.token
    with pytest.raises(LeaseHeld):
        dead.check()
    taken.release()


def test_of_many_takers_one_wins(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "SPAN", leasing.SPAN.model_copy(update={"renew": 0.3}))
    leases: list[KeptLease] = []
    refusals: list[LeaseHeld] = []
    start = threading.Barrier(8)

    def taker(number: int) -> None:
        start.wait()
        try:
            leases.append(take(table, f"h{number}", f"run-{number}"))
        except LeaseHeld as error:
            refusals.append(error)

    threads = [threading.Thread(target=taker, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = leases
    assert len(refusals) == 7
    winner.check()
    winner.release()


def test_by_force_it_is_taken_from_one_who_lives(table: Table) -> None:
    lease = take(table, "ann", ANN)
    taken = take(table, "ben", BEN, by_force=True)
    assert taken.over.startswith(f"ann, run {ANN}, since 2026-11-23")
    with pytest.raises(LeaseHeld, match="is another's"):
        lease.check()
    lease._renew()
    lease.release()
    taken.check()
    taken.release()


def test_a_region_that_hangs_is_given_up_within_its_time_limits(table: Table) -> None:
    lease = take(table, "ann", ANN)
    table.freeze()
    try:
        lease.check()  # silent is not lost, as long as the record cannot have run out
        with pytest.raises(Unreachable, match="does not answer"):
            take(table, "ben", BEN)
    finally:
        table.thaw()
    lease.release()


def test_what_is_wrong_is_named(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    known = context(table, table="elsewhere")
    with pytest.raises(BadInput, match="there is no such table") as raised:
        take_dynamodb("orders", known, "ann", ANN)
    assert f"create-table --region {REGION} --table-name elsewhere" in raised.value.hint
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(AccessDenied, match="finds no credentials"):
        take(table, "ann", ANN)
    monkeypatch.setenv("OWN_ID", "AKIAINVENTED")
    monkeypatch.setenv("OWN_KEY", "invented-secret")
    own: dict[str, Any] = {
        "key_id": {"secret": "env:OWN_ID"},
        "secret_key": {"secret": "env:OWN_KEY"},
    }
    take_dynamodb("orders", context(table, **own), "ann", ANN).release()


def test_without_the_extra_it_is_named(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    with pytest.raises(MissingExtra, match="'aws'"):
        take(table, "ann", ANN)


def test_the_sdk_is_imported_only_when_it_is_used() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys, drtool.verbs.serve; print('boto3' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == "False"


def test_an_item_of_somebody_else_is_not_touched(table: Table) -> None:
    table.client.put_item(TableName=TABLE, Item={"name": {"S": "lease orders"}, "x": {"S": "y"}})
    with pytest.raises(Exception, match="is none that drtool wrote"):
        take(table, "ann", ANN)


def test_where_it_is_kept_is_named(table: Table) -> None:
    assert where_kept("orders", inventory(table), "west") == (f"dynamodb {TABLE} in {REGION}",)
    cell = DynamodbCell.open(leasing.table_of("orders", inventory(table)), "x", context(table))
    assert cell.where == f"dynamodb {TABLE} in {REGION}"
    cell.close()
