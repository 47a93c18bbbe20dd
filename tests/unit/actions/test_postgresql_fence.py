"""Fence, demote and reinstate as data: their contract, and what they make of what is seen."""

from __future__ import annotations

from typing import Any

import pytest

from drtool.action import Entry
from drtool.actions.postgresql.demote import Demote
from drtool.actions.postgresql.fence import Fence
from drtool.actions.postgresql.fence_paths import FenceSeen, PathSeen
from drtool.actions.postgresql.reinstate import Reinstate
from drtool.actions.ssh import Run, Service
from drtool.model.inventory import Inventory
from drtool.model.place import Place
from drtool.model.proof import ProofKind
from drtool.model.value import Fields
from drtool.testing.contract import check_action
from drtool.testing.fakes import fake_facts
from drtool.testing.world import START

SSH = {
    "address": "127.0.1.1", "user": "postgres",
    "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
}  # fmt: skip
POWER = {"redfish": "https://127.0.1.1:8443", "system": "1", "password": {"secret": "env:BMC"}}
INVENTORY = Inventory.model_validate({
    "version": 1,
    "services": {"orders": {"preferred": "east"}},
    "sites": {
        site: {"address": address, "systems": {"orders_db": {
            "kind": "postgresql", "host": f"{site}_db", "data_directory": "/srv/pg",
            "system_identifier": "7412", "fence": ["ssh", "power"],
        }}}
        for site, address in (("east", "127.0.1.1"), ("west", "127.0.2.1"))
    },
    "hosts": {
        "east_db": {"ssh": SSH, "power": POWER, "also_runs": ["the DNS server ns_east"]},
        "west_db": {"ssh": SSH},
    },
})  # fmt: skip
FACTS = fake_facts(INVENTORY, Place(site="east", system="orders_db"))
HOST_FACTS = fake_facts(INVENTORY, Place(site="east", host="east_db"))


@pytest.mark.parametrize(
    ("entry", "example"),
    [
        (Fence, {"paths": ["power", "ssh"], "drain": "1s"}),
        (Demote, {"drain": "5s"}),
        (Reinstate, {"keep": "divergent_wal", "method": "auto"}),
    ],
)
def test_the_contract_is_kept(entry: type[Entry], example: Fields) -> None:
    check_action(entry, example, FACTS)


@pytest.mark.parametrize(
    ("entry", "example"),
    [
        (Run, {"argv": ["/usr/local/sbin/prepare", "--now"], "creates": "/srv/ready"}),
        (Service, {"unit": "orders.service", "state": "restarted"}),
    ],
)
def test_the_contract_is_kept_on_hosts(entry: type[Entry], example: Fields) -> None:
    check_action(entry, example, HOST_FACTS)


def test_only_systemd_can_tell_of_a_restart() -> None:
    with pytest.raises(ValueError, match="only systemd tells"):
        Service(unit="orders", state="restarted", manager="sysv")


def seen(*paths: PathSeen, **changed: Any) -> FenceSeen:
    return FenceSeen(place="east.orders_db", at=START, how="stopped", paths=paths, **changed)


DEAD = PathSeen(path="ssh", reachable=False, trouble="does not answer")
FENCED = PathSeen(path="ssh", reachable=True, fenced=True, durable=True, identity="7412")
ALIVE = PathSeen(path="ssh", reachable=True, alive=True, identity="7412", trouble="8 processes")
OFF = PathSeen(path="power", reachable=True, fenced=True, identity="1")
LIAR = PathSeen(path="power", reachable=True, alive=True, identity="1", trouble="answers")
STATED = {"stated_by": "operator", "stated_because": "unplugged", "stated_at": START}


def kinds(value: FenceSeen) -> list[ProofKind]:
    return [proof.kind for proof in Fence().proofs(value, FACTS)]


def test_what_proves_a_fence() -> None:
    assert kinds(seen(FENCED, OFF)) == [ProofKind.PROCESSES]
    assert kinds(seen(DEAD, OFF)) == [ProofKind.POWER]
    assert kinds(seen(FENCED, LIAR)) == [ProofKind.PROCESSES]
    for short in (seen(DEAD), seen(ALIVE, OFF), seen(DEAD, LIAR)):
        assert kinds(short) == []
        assert Fence().changes(short) != []


def test_a_statement_is_believed_only_while_nothing_belies_it() -> None:
    assert kinds(seen(DEAD, **STATED)) == [ProofKind.STATEMENT]
    assert Fence().changes(seen(DEAD, **STATED)) == []
    for belied in (seen(ALIVE, **STATED), seen(DEAD, LIAR, **STATED),
                   seen(DEAD, answering=True, **STATED)):  # fmt: skip
        assert kinds(belied) == []
        assert Fence().changes(belied) != []
    assert kinds(seen(DEAD, OFF, **STATED)) == [ProofKind.POWER], "a proof is the better one"


def test_silence_belies_no_proof_and_what_answers_does() -> None:
    by_processes = Fence().proofs(seen(FENCED), FACTS)
    by_power = Fence().proofs(seen(DEAD, OFF), FACTS)
    on = PathSeen(path="power", reachable=True, identity="1", trouble="the controller says On")
    assert Fence().unseen(seen(DEAD), by_processes)
    assert Fence().unseen(seen(DEAD, on), by_processes), "it was On when its processes were ended"
    assert not Fence().unseen(seen(DEAD, on), by_power)
    for belied in (seen(ALIVE), seen(DEAD, LIAR), seen(DEAD, answering=True)):
        assert not Fence().unseen(belied, by_processes)


def test_the_plan_names_what_else_a_power_cut_ends() -> None:
    assert "which also ends the DNS server ns_east" in Fence()._how(FACTS)
    assert any("ns_east" in line for line in Fence().by_hand(FACTS))


def test_paths_come_from_the_step_or_the_inventory() -> None:
    assert len(Fence().needs(FACTS)) == 4
    assert {kind.__name__ for kind, _ in Fence(paths=("power",)).needs(FACTS)} == {
        "PowerReader",
        "PowerHands",
    }
