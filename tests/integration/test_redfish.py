"""The power connection and its actions against the lab's controller, over TLS."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drtool.action import Hands
from drtool.actions.power import Off, On, PowerSeen, State
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.redfish import PowerHands, PowerReader
from drtool.connections.secrets import Secrets
from drtool.errors import AccessDenied, BadInput, Refused, StepFailed, Unreachable
from drtool.lab.controller import Handler, Redfish, _Server
from drtool.lab.keys import make_secrets
from drtool.lab.layout import SITES, Layout
from drtool.lab.machine import RestorePolicy
from drtool.model.inventory import Inventory
from drtool.model.place import Place
from drtool.redact import Redactor
from drtool.testing.fakes import fake_facts

ADDRESS = "127.0.1.1"


class PaperMachine:
    """A machine of which only the switch is there."""

    def __init__(self) -> None:
        self.on = self.mains = True
        self.policy = RestorePolicy.LAST_STATE
        self.presses: list[str] = []

    def press_on(self) -> str:
        self.presses.append("on")
        self.on = self.mains
        return "" if self.mains else "there is no mains power"

    def force_off(self) -> None:
        self.presses.append("off")
        self.on = False


class Bench:
    """A controller with its machine, and the inventory that leads to it."""

    def __init__(self, home: Path) -> None:
        self.layout, self.machine = Layout(home), PaperMachine()
        self.opened: list[Connections] = []
        directories = [self.layout.secrets]
        for site in SITES:
            directories += [self.layout.controller(site), self.layout.site(site).host_key.parent]
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
        make_secrets(self.layout)
        password = self.layout.secret("east_power.password").read_text().strip()
        handler = type(
            "TestHandler",
            (Handler,),
            {
                "redfish": Redfish("east_db", self.machine),  # type: ignore[arg-type]
                "credentials": f"drtool:{password}".encode(),
            },
        )
        self.server = _Server((ADDRESS, 0), handler)
        self.server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own = self.layout.controller("east")
        self.server.tls.load_cert_chain(own / "certificate.pem", own / "key.pem")
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        for connections in self.opened:
            connections.close()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def inventory(self, systems: dict[str, Any] | None = None, **power: Any) -> Inventory:
        return Inventory.model_validate(
            {
                "version": 1,
                "services": {"orders": {"preferred": "east"}},
                "sites": {
                    "east": {"address": ADDRESS, "systems": systems or {}},
                    "west": {"address": "127.0.2.1"},
                },
                "hosts": {
                    "east_db": {
                        "site": "east",
                        "power": {
                            "redfish": f"https://{ADDRESS}:{self.server.server_address[1]}",
                            "system": "1",
                            "password": {"secret": "file:east_power.password"},
                            "ca_file": str(self.layout.ca),
                            **power,
                        },
                    },
                    "bare": {},
                },
            }
        )

    def context(self, **power: Any) -> Context:
        secrets = Secrets(Redactor(), self.layout.secrets)
        return Context(self.inventory(**power), secrets, SystemClock())

    def hands(self, **changed: Any) -> Hands:
        context = self.context(**changed)
        facts = fake_facts(context.inventory, Place(site="east", host="east_db"))
        self.opened.append(Connections(context))
        return Hands(self.opened[-1], facts)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def test_reads_power_and_policy(bench: Bench) -> None:
    reader = PowerReader.open("east_db", bench.context())
    state = reader.state()
    assert (state.system, state.power, state.restore_policy) == ("1", "On", "LastState")
    assert not state.off
    assert not bench.machine.presses
    reader.close()


def test_off_sets_the_policy_first_then_cuts(bench: Bench) -> None:
    hands, off = bench.hands(), Off()
    seen = off.observe(hands)
    off.apply(hands, off.changes(seen))
    seen = off.observe(hands)
    assert not off.changes(seen)
    assert (bench.machine.on, bench.machine.policy) == (False, RestorePolicy.ALWAYS_OFF)
    assert off.proofs(seen, hands.facts)[0].durable
    assert State(state="off", restore_policy="AlwaysOff").judge(seen, hands.facts) is None
    on = On(restore_policy="LastState")
    on.apply(hands, on.changes(on.observe(hands)))
    assert (bench.machine.on, bench.machine.policy) == (True, RestorePolicy.LAST_STATE)
    assert bench.machine.presses == ["off", "on"]


def switched_on(hands: Hands, on: On) -> PowerSeen:
    """What was seen before it was switched on."""
    before = on.observe(hands)
    on.apply(hands, on.changes(before))
    return before


def test_a_machine_that_was_found_off_is_off_again_after_unwinding(bench: Bench) -> None:
    bench.machine.on, bench.machine.policy = False, RestorePolicy.ALWAYS_OFF
    hands, on = bench.hands(), On(restore_policy="LastState")
    before = switched_on(hands, on)
    assert (bench.machine.on, bench.machine.policy) == (True, RestorePolicy.LAST_STATE)
    on.undo(hands, before)
    assert (bench.machine.on, bench.machine.policy) == (False, RestorePolicy.ALWAYS_OFF)
    on.undo(hands, before)
    assert bench.machine.presses == ["on", "off"]


def test_a_machine_that_was_found_on_stays_on(bench: Bench) -> None:
    hands, on = bench.hands(), On(restore_policy="AlwaysOn")
    on.undo(hands, switched_on(hands, on))
    assert (bench.machine.on, bench.machine.policy) == (True, RestorePolicy.LAST_STATE)
    assert bench.machine.presses == []


def test_a_machine_that_bears_a_database_is_never_switched_off_to_tidy_up(bench: Bench) -> None:
    bench.machine.on = False
    database = {"kind": "postgresql", "host": "east_db", "data_directory": "/srv/pg"}
    hands, on = bench.hands(systems={"orders_db": database}), On()
    before = switched_on(hands, on)
    with pytest.raises(Refused, match=r"power of east_db: stays on, for it bears east\.orders_db"):
        on.undo(hands, before)
    assert bench.machine.presses == ["on"]


def test_the_controllers_own_reason_is_told(bench: Bench) -> None:
    hands = PowerHands.open("east_db", bench.context())
    bench.machine.mains = False
    with pytest.raises(StepFailed, match=r"there is no mains power \(409\)"):
        hands.reset("On")
    with pytest.raises(StepFailed, match="cannot do GracefulShutdown; expected On, ForceOff"):
        hands.reset("GracefulShutdown")
    hands.close()


def test_a_wrong_password_certificate_or_system_is_named(bench: Bench) -> None:
    with pytest.raises(AccessDenied, match="denies our user or password") as caught:
        PowerReader.open("east_db", bench.context(password={"secret": "file:west_power.password"}))
    secret = bench.layout.secret("west_power.password").read_text().strip()
    assert secret not in caught.value.text()
    with pytest.raises(AccessDenied, match="certificate is not believed") as untrusted:
        PowerReader.open("east_db", bench.context(ca_file=None))
    assert "ca_file" in untrusted.value.hint
    with pytest.raises(StepFailed, match="knows no /redfish/v1/Systems/2"):
        PowerReader.open("east_db", bench.context(system="2"))
    with pytest.raises(BadInput, match=r"host east_db: power\.ca_file .*none\.pem: No such file"):
        PowerReader.open("east_db", bench.context(ca_file="none.pem"))
    with pytest.raises(BadInput, match="names no power controller"):
        PowerReader.open("bare", bench.context())


def test_a_controller_that_is_gone_is_unreachable(bench: Bench) -> None:
    with pytest.raises(Unreachable, match="refused"):
        PowerReader.open("east_db", bench.context(redfish=f"https://{ADDRESS}:1"))


@pytest.mark.parametrize("action", [Off(), On(restore_policy="AlwaysOn")])
def test_a_machine_with_another_uuid_is_left_alone(bench: Bench, action: Off | On) -> None:
    bench.machine.on = isinstance(action, Off)
    hands = bench.hands()
    changes = action.changes(action.observe(hands))
    other = bench.hands(uuid="the-one-that-is-meant")
    with pytest.raises(Refused, match="without a UUID, not for the-one-that-is-meant"):
        action.apply(other, changes)
    assert bench.machine.presses == []


@pytest.mark.parametrize("action", [Off(), On(), State(state="off")])
def test_nothing_is_believed_of_a_machine_with_another_uuid(
    bench: Bench, action: Off | On | State
) -> None:
    bench.machine.on, bench.machine.policy = False, RestorePolicy.ALWAYS_OFF
    with pytest.raises(Refused, match="power of east_db: it answers for the machine without a UU"):
        action.observe(bench.hands(uuid="the-one-that-is-meant"))
