from __future__ import annotations

from pathlib import Path

import pytest

from drtool.lab.controller import RESET, SYSTEM, Panel, Redfish
from drtool.lab.machine import Machine, RestorePolicy


class Switched(Machine):
    """A machine with a switch and no processes."""

    def __init__(self) -> None:
        super().__init__([], Path(), Path())
        self.on = True

    def _start(self) -> None:
        self.on = True

    def _cut(self) -> None:
        self.on = False


@pytest.fixture
def machine() -> Switched:
    return Switched()


@pytest.fixture
def redfish(machine: Switched) -> Redfish:
    return Redfish("east_db", machine)


def reset(redfish: Redfish, kind: str) -> int:
    return redfish.route("POST", RESET, {"ResetType": kind}).status


def test_the_system_says_how_it_stands(redfish: Redfish) -> None:
    answer = redfish.route("GET", SYSTEM, {})
    assert answer.status == 200
    assert (answer.body["PowerState"], answer.body["PowerRestorePolicy"]) == ("On", "LastState")


def test_off_and_on(redfish: Redfish, machine: Switched) -> None:
    states = []
    for kind in ("ForceOff", "ForceOff", "On", "On", "ForceRestart"):
        assert reset(redfish, kind) == 204
        states.append(machine.on)
    assert states == [False, False, True, True, True]


def test_without_mains_nothing_can_be_switched_on(redfish: Redfish, machine: Switched) -> None:
    machine.lose_mains()
    assert reset(redfish, "On") == 409
    assert reset(redfish, "ForceOff") == 204


@pytest.mark.parametrize("kind", ["GracefulShutdown", ""])
def test_an_unknown_reset_is_refused(redfish: Redfish, machine: Switched, kind: str) -> None:
    assert reset(redfish, kind) == 400
    assert machine.on


@pytest.mark.parametrize(
    "body", [{}, {"PowerRestorePolicy": "Never"}, {"PowerState": "Off"}, {"PowerRestorePolicy": []}]
)
def test_only_the_restore_policy_can_be_changed(redfish: Redfish, body: dict[str, object]) -> None:
    assert redfish.route("PATCH", SYSTEM, body).status == 400


def test_an_unknown_path_is_not_found(redfish: Redfish) -> None:
    assert redfish.route("GET", "/redfish/v1/Chassis", {}).status == 404


@pytest.mark.parametrize(
    ("policy", "was_on", "starts"),
    [
        (RestorePolicy.ALWAYS_OFF, True, False),
        (RestorePolicy.ALWAYS_ON, False, True),
        (RestorePolicy.LAST_STATE, True, True),
        (RestorePolicy.LAST_STATE, False, False),
    ],
)
def test_what_happens_when_mains_power_returns(
    machine: Switched, policy: RestorePolicy, was_on: bool, starts: bool
) -> None:
    machine.policy, machine.on = policy, was_on
    machine.lose_mains()
    assert not machine.on
    machine.return_mains()
    assert machine.on is starts


def test_a_machine_fenced_without_mains_stays_off_when_they_return(
    redfish: Redfish, machine: Switched
) -> None:
    machine.lose_mains()
    assert reset(redfish, "ForceOff") == 204
    machine.return_mains()
    assert not machine.on


def test_the_panel_tells_what_it_did(machine: Switched) -> None:
    panel = Panel(machine)
    assert panel.answer("cut") | {"text": ""} == {
        "done": True,
        "text": "",
        "on": False,
        "mains": False,
        "policy": "LastState",
    }
    assert panel.answer("button")["text"] == "there is no mains power"
    assert panel.answer("mains")["on"] is True
    assert panel.answer("explode")["done"] is False
