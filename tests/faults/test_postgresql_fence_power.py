"""Fences by a power controller: proven by what no longer answers, never by its word alone."""

from __future__ import annotations

import psycopg
import pytest
from driven import drive, facts_of
from fault_record import Fault
from power_controller import Controller, powered
from ssh_host import Hosts

from drtool.actions.postgresql.fence import Fence
from drtool.actions.power import Off
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.errors import Refused, StepFailed
from drtool.model.inventory import Inventory
from drtool.model.place import Place
from drtool.model.proof import ProofKind
from drtool.redact import Redactor
from drtool.safety.fence import reason_not_proven
from drtool.units import Duration


def connections_of(inventory: Inventory) -> Connections:
    return Connections(Context(inventory, Secrets(Redactor()), SystemClock()))


def test_power_is_used_when_ssh_is_dead_and_is_read_back(
    hosts: Hosts, controller: Controller
) -> None:
    hosts.hosts["east"].stop()
    controller.off = hosts.pair.east.cut_power
    inventory = powered(hosts, controller)
    connections, facts = connections_of(inventory), facts_of(inventory)
    action = Fence()
    seen = drive(action, connections, facts)
    proofs = action.proofs(seen, facts)
    connections.close()
    assert [proof.kind for proof in proofs] == [ProofKind.POWER]
    assert proofs[0].durable
    assert controller.policy == "AlwaysOff"
    assert facts.at is not None
    assert reason_not_proven(proofs, facts.at, inventory, None, seen.at) is None


def test_without_a_boot_guard_the_proof_is_not_durable(
    hosts: Hosts, controller: Controller
) -> None:
    hosts.hosts["east"].stop()
    controller.off = hosts.pair.east.cut_power
    inventory = powered(hosts, controller, boot_guard=False)
    connections, facts = connections_of(inventory), facts_of(inventory)
    action = Fence(paths=("power",))
    proofs = action.proofs(drive(action, connections, facts), facts)
    connections.close()
    assert not proofs[0].durable


def test_l04_a_controller_that_says_off_while_processes_run_is_not_believed(
    hosts: Hosts, controller: Controller, fault: Fault
) -> None:
    inventory = powered(hosts, controller)
    connections, facts = connections_of(inventory), facts_of(inventory, seconds_left=2.0)
    with pytest.raises(StepFailed, match="the controller says Off, yet"):
        drive(Fence(paths=("power",)), connections, facts, 3)
    hosts.hosts["east"].stop()
    with pytest.raises(StepFailed, match="the controller says Off, yet port"):
        drive(Fence(), connections, facts, 4)
    connections.close()
    assert hosts.pair.east.sql("SELECT 1")
    fault.injected("the controller said Off, and the server answers")


def test_l04_the_processes_prove_what_the_controller_cannot(
    hosts: Hosts, controller: Controller, fault: Fault
) -> None:
    controller.power, controller.policy = "Off", "AlwaysOff"
    assert hosts.pair.east.sql("SELECT 1")
    fault.injected("the controller says Off, and the server answers")
    inventory = powered(hosts, controller)
    connections, facts = connections_of(inventory), facts_of(inventory)
    action = Fence(drain=Duration(1))
    seen = drive(action, connections, facts)
    proofs = action.proofs(seen, facts)
    connections.close()
    assert [proof.kind for proof in proofs] == [ProofKind.PROCESSES]
    assert controller.said == [], "the power path was not needed"
    with pytest.raises(psycopg.OperationalError):
        hosts.pair.east.sql("SELECT 1")


@pytest.mark.parametrize("wrong", [{"system": "2"}, {"uuid": "u-2"}])
def test_l05_another_machine_is_never_switched_off(
    hosts: Hosts, controller: Controller, wrong: dict[str, str], fault: Fault
) -> None:
    """The controller has been given to another machine since the inventory was written."""
    hosts.hosts["east"].stop()
    inventory = powered(hosts, controller)
    host = inventory.hosts["east_db"]
    assert host.power is not None
    other = host.model_copy(update={"power": host.power.model_copy(update=wrong)})
    inventory = inventory.model_copy(update={"hosts": {**inventory.hosts, "east_db": other}})
    connections, facts = connections_of(inventory), facts_of(inventory)
    fault.injected(f"the controller is that of system 1, UUID u-1; the inventory means {wrong}")
    with pytest.raises(Refused, match="it answers for") as refused:
        drive(Fence(paths=("power",)), connections, facts)
    fault.got(f"refused: {refused.value.line()}")
    connections.close()
    assert (controller.said, controller.policy) == ([], "LastState")
    assert hosts.pair.east.sql("SELECT 1")


def test_l04_l05_a_host_that_answers_is_not_off_whatever_its_controller_says(
    hosts: Hosts, controller: Controller, fault: Fault
) -> None:
    controller.power, controller.policy = "Off", "AlwaysOff"
    inventory = powered(hosts, controller)
    connections = connections_of(inventory)
    facts = facts_of(inventory).model_copy(update={"at": Place(site="east", host="east_db")})
    assert hosts.pair.east.sql("SELECT 1")
    fault.injected("the controller says Off, and the host's server answers")
    with pytest.raises(StepFailed, match="power of system 1: Off, yet port") as failed:
        drive(Off(), connections, facts, 2)
    fault.got(f"failed: {failed.value.line()}")
    hosts.hosts["east"].stop()
    assert Off().proofs(drive(Off(), connections, facts), facts)
    connections.close()
