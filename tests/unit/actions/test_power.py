from __future__ import annotations

import pytest

from drtool.action import Entry
from drtool.actions.power import Off, On, PowerSeen, State
from drtool.errors import BadInput
from drtool.model.inventory import Inventory
from drtool.model.place import Place
from drtool.model.proof import ProofKind
from drtool.model.value import Fields
from drtool.testing.contract import check_action
from drtool.testing.fakes import fake_facts
from drtool.testing.world import START

INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {"orders": {"preferred": "east"}},
        "sites": {"east": {"address": "127.0.1.1"}, "west": {"address": "127.0.2.1"}},
        "hosts": {
            "east_db": {
                "site": "east",
                "power": {
                    "redfish": "https://127.0.1.1:8443",
                    "system": "1",
                    "password": {"secret": "file:bmc"},
                    "ca_file": "ca.pem",
                },
            }
        },
    }
)
FACTS = fake_facts(INVENTORY, Place(site="east", host="east_db"))


def state(power: str, policy: str | None = "AlwaysOn") -> PowerSeen:
    return PowerSeen(at=START, system="1", power=power, restore_policy=policy, uuid="u-1")


@pytest.mark.parametrize(
    ("seen", "left"),
    [
        (
            state("On"),
            ["restore policy of system 1: AlwaysOn -> AlwaysOff", "power of system 1: On -> Off"],
        ),
        (state("Off"), ["restore policy of system 1: AlwaysOn -> AlwaysOff"]),
        (state("Off", "AlwaysOff"), []),
        (state("PoweringOff", "AlwaysOff"), ["power of system 1: PoweringOff -> Off"]),
        (state("On", None), ["power of system 1: On -> Off"]),
        (
            state("Off", "AlwaysOff").model_copy(update={"answering": "port 22 answers"}),
            ["power of system 1: Off, yet port 22 answers -> Off"],
        ),
    ],
)
def test_what_off_would_change(seen: PowerSeen, left: list[str]) -> None:
    assert [str(change) for change in Off().changes(seen)] == left
    assert bool(Off().reason_to_wait(seen)) == (seen.power == "PoweringOff")


def test_what_on_would_change() -> None:
    assert not On().changes(state("On"))
    assert [str(c) for c in On(restore_policy="LastState").changes(state("Off", "AlwaysOff"))] == [
        "power of system 1: Off -> On",
        "restore policy of system 1: AlwaysOff -> LastState",
    ]


@pytest.mark.parametrize(("policy", "durable"), [("AlwaysOff", True), ("LastState", False)])
def test_the_proof_says_whether_it_lasts(policy: str, *, durable: bool) -> None:
    (proof,) = Off().proofs(state("Off", policy), FACTS)
    assert proof.kind is ProofKind.POWER
    assert (proof.subject, proof.identity, proof.durable) == ("east.east_db", "u-1", durable)


@pytest.mark.parametrize(
    ("fields", "seen", "reason"),
    [
        ({"state": "off"}, state("Off"), None),
        ({"state": "on"}, state("Off"), "power of east_db is Off, expected On"),
        ({"state": "off"}, state("PoweringOff"), "power of east_db is PoweringOff, expected Off"),
        (
            {"state": "off", "restore_policy": "AlwaysOff"},
            state("Off", None),
            "restore policy of east_db is unknown, expected AlwaysOff",
        ),
    ],
)
def test_how_a_state_is_judged(fields: Fields, seen: PowerSeen, reason: str | None) -> None:
    assert State.model_validate(fields).judge(seen, FACTS) == reason


@pytest.mark.parametrize(
    ("action", "example"),
    [(Off, {}), (On, {"restore_policy": "AlwaysOn"}), (State, {"state": "off"})],
)
def test_contract(action: type[Entry], example: Fields) -> None:
    check_action(action, example, FACTS)


def test_a_place_without_a_host_is_bad_input() -> None:
    with pytest.raises(BadInput, match="acts on a host"):
        Off().needs(fake_facts(INVENTORY))
