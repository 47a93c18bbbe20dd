"""A holder that is frozen past its lease: whoever took over acts, and the old one cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import lease_holder
import pytest
from dns_pair import DnsPair
from dynamodb_table import REGION, TABLE, Table
from fault_record import Fault
from lease_holder import Holder, take_it
from lease_world import LeaseWorld
from postgresql_pair import Pair, wait_until

from drtool.connections.ssh import SshHands
from drtool.errors import LeaseHeld
from drtool.lease.lease import Lease
from drtool.model.inventory import Inventory

pytestmark = pytest.mark.faults
OLD, NEW = "20261123-051401-aaaa", "20261123-051402-bbbb"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    lease_holder.shorten(monkeypatch.setattr)


class Scene:
    """The sites, the processes that hold a lease there, and what is said of the fault."""

    def __init__(self, world: LeaseWorld, directory: Path, fault: Fault) -> None:
        self.world, self.directory, self.fault = world, directory, fault
        self.holders: list[Holder] = []

    def holder(self, inventory: Inventory) -> Holder:
        """A process that holds the lease, and acts by it."""
        made = self.directory / "made-while-it-held"
        one = Holder(inventory, self.directory, OLD)
        self.holders.append(one)
        assert one.told(f"act {made}") == '"ended 0"'
        assert made.exists()
        return one

    def take(self, inventory: Inventory, *, by_force: bool = False) -> Lease:
        """Take the lease here; the host is shown its token."""
        lease, context = take_it(
            inventory, self.directory / "new", NEW, "ben@desk", by_force=by_force
        )
        host = SshHands.open("east_host", context)
        assert host.run(["true"], 10).code == 0
        host.close()
        return lease

    def take_when_it_ran_out(self, inventory: Inventory) -> Lease:
        """Asked for again and again, as a person does, until nobody holds it."""
        found: list[Lease] = []
        wait_until(lambda: found or self._tried(inventory, found), 90)
        return found[0]

    def _tried(self, inventory: Inventory, found: list[Lease]) -> bool:
        with suppress(LeaseHeld):
            found.append(self.take(inventory))
        return bool(found)

    def acts_no_more(self, old: Holder) -> None:
        """Neither its next effect nor one that was on its way is made."""
        made = self.directory / "made-by-the-old-one"
        old.thaw()
        refused = old.told(f"act {made}")
        assert "lost" in refused
        late = old.told(f"late {made}")
        assert "refuses our token: it has seen a later one" in late
        assert not made.exists()
        self.fault.got(f"{refused}; and by the host: {late}")


@pytest.fixture
def scene(lease_world: LeaseWorld, tmp_path: Path, fault: Fault) -> Iterator[Scene]:
    made = Scene(lease_world, tmp_path, fault)
    yield made
    for one in made.holders:
        one.end()


def with_dns(world: LeaseWorld, zone: DnsPair) -> Inventory:
    zone.start_child("east")
    zone.start_child("west")
    told = zone.inventory().model_dump(mode="json")["dns"]
    return world.inventory({"at": "dns"}, dns=told)


def with_table(world: LeaseWorld, table: Table) -> Inventory:
    kept = {"table": TABLE, "region": REGION, "endpoint_url": table.url}
    return world.inventory({"at": "dynamodb", "dynamodb": kept})


def with_servers(world: LeaseWorld, pair: Pair) -> Inventory:
    sites = pair.context().inventory.model_dump(mode="json")["sites"]
    for site in sites:
        sites[site]["systems"]["orders_db"]["host"] = f"{site}_host"
    return world.inventory({"at": "postgresql"}, sites=sites)


@pytest.mark.slow_fault
@pytest.mark.parametrize("at", ["dns", "file", "dynamodb"])
def test_f08_a_holder_that_is_frozen_past_its_lease_acts_no_more(
    at: str, scene: Scene, request: pytest.FixtureRequest
) -> None:
    kinds: dict[str, Callable[[], Inventory]] = {
        "dns": lambda: with_dns(scene.world, request.getfixturevalue("dns_pair")),
        "dynamodb": lambda: with_table(scene.world, request.getfixturevalue("table")),
        "file": lambda: scene.world.inventory({"at": "file"}),
    }
    inventory = kinds[at]()
    old = scene.holder(inventory)
    with pytest.raises(LeaseHeld, match=OLD):
        scene.take(inventory)
    scene.fault.injected(old.freeze())
    lease = scene.take_when_it_ran_out(inventory)
    assert lease.token > old.token
    scene.acts_no_more(old)
    lease.check()
    lease.release()


@pytest.mark.slow_fault
def test_f08_a_session_whose_holder_is_frozen_stays_and_is_ended_by_force(
    pair: Pair, scene: Scene
) -> None:
    """The kernel of a frozen process answers TCP keepalives for it: nothing runs out."""
    inventory = with_servers(scene.world, pair)
    old = scene.holder(inventory)
    scene.fault.injected(old.freeze())
    # three times as long as it takes until a dead peer is noticed
    end = time.monotonic() + 9
    while time.monotonic() < end:
        with pytest.raises(LeaseHeld, match=OLD) as raised:
            scene.take(inventory)
        assert "--take-over --reason" in raised.value.hint
    lease = scene.take(inventory, by_force=True)
    assert lease.over.startswith(f"holder@aaaa, run {OLD}, since ")
    assert lease.token > old.token
    scene.acts_no_more(old)
    lease.check()
    lease.release()


def test_f08_by_force_a_lease_is_taken_that_has_not_run_out(scene: Scene) -> None:
    inventory = scene.world.inventory({"at": "file"})
    old = scene.holder(inventory)
    scene.fault.injected(old.freeze())
    lease = scene.take(inventory, by_force=True)
    assert lease.over.startswith(f"holder@aaaa, run {OLD}")
    scene.acts_no_more(old)
    lease.check()
    lease.release()
