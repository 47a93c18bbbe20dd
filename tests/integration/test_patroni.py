"""Two Patroni clusters, each with its own etcd: from member to member, from site to site."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from driven import drive, facts_of
from patroni_sites import Member, Sites, program
from postgresql_pair import _AS_USER, wait_until
from ssh_host import SshHost

from drtool.action import Facts, Hands, Look
from drtool.actions.patroni.demote import Demote
from drtool.actions.patroni.fence import Fence
from drtool.actions.patroni.healthy import CheckHealthy
from drtool.actions.patroni.pause import Pause, Resume
from drtool.actions.patroni.promote import Promote
from drtool.actions.patroni.reprotect import Reprotect
from drtool.actions.patroni.role import CheckRole
from drtool.actions.patroni.switchover import Switchover
from drtool.connections.patroni import PatroniHands, PatroniReader
from drtool.connections.postgresql import PostgresqlReader, PostgresqlSession
from drtool.connections.reach import Connections
from drtool.errors import AccessDenied, Refused, StepFailed
from drtool.model.plan import Objectives
from drtool.model.proof import ProofKind
from drtool.model.purpose import Procedure
from drtool.units import Duration
from drtool.verbs.roles import observe_roles

EAST, WEST = "east.orders_db", "west.orders_db"


@pytest.fixture
def connections(sites: Sites) -> Iterator[Connections]:
    made = sites.connections()
    yield made
    made.close()


def facts_at(connections: Connections, at: str, **changed: object) -> Facts:
    given: dict[str, object] = {"procedure": Procedure.SWITCHOVER, **changed}
    return facts_of(connections.context.inventory, at, **given)  # type: ignore[arg-type]


def judged(check: CheckRole | CheckHealthy, connections: Connections, at: str) -> str | None:
    facts = facts_at(connections, at)
    return check.judge(check.observe(Look(connections, facts)), facts)


class Customer(threading.Thread):
    """Writes numbered rows wherever a primary is, and remembers which were acknowledged."""

    def __init__(self, *members: Member) -> None:
        super().__init__(daemon=True)
        self._members, self._over = members, threading.Event()
        self.written: list[int] = []

    def run(self) -> None:
        number = 0
        while not self._over.wait(0.005):
            for member in self._members:
                number += 1
                try:
                    member.sql("INSERT INTO orders VALUES (%s)", number)
                except Exception:  # noqa: BLE001, S112 - refused or unknown: it does not count
                    continue
                self.written.append(number)

    def leave(self) -> list[int]:
        self._over.set()
        self.join(10)
        return self.written


def test_roles_are_observed_through_the_leaders(connections: Connections) -> None:
    roles = observe_roles(connections, connections.context.inventory)
    assert (roles.primaries, roles.standbys) == (("east",), ("west",))
    assert judged(CheckRole(role="primary"), connections, "east") is None
    assert judged(CheckRole(role="standby"), connections, "west") is None
    assert "expected a standby cluster" in str(
        judged(CheckRole(role="standby"), connections, "east")
    )
    # a member that has just joined may be a moment behind
    wait_until(lambda: judged(CheckHealthy(), connections, "east") is None)


def test_a_paused_cluster_changes_no_role(connections: Connections) -> None:
    at_east = facts_at(connections, "east")
    seen = drive(Pause(), connections, at_east)
    assert seen.paused
    assert all(node.paused for node in seen.nodes)
    assert "is paused" in str(judged(CheckHealthy(), connections, "east"))
    with pytest.raises(Refused, match=r"patroni\.resume first"):
        drive(Switchover(candidate="pg2"), connections, at_east)
    with pytest.raises(Refused, match=r"patroni\.resume first"):
        drive(Demote(), connections, at_east)
    assert not drive(Resume(), connections, at_east).paused
    Pause().undo(Hands(connections, at_east), seen)  # as it was found before a second pause
    assert drive(Pause(), connections, at_east).paused
    drive(Resume(), connections, at_east)


def test_another_member_leads_and_back_again(sites: Sites, connections: Connections) -> None:
    at_east = facts_at(connections, "east")
    with pytest.raises(Refused, match="has no member pg9"):
        drive(Switchover(candidate="pg9"), connections, at_east)
    assert drive(Switchover(candidate="pg1"), connections, at_east).led_by == "pg1"
    seen = drive(Switchover(candidate="pg2"), connections, at_east, 40)
    assert (seen.led_by, sites.pg2.role()) == ("pg2", "primary")
    assert sites.pg2.accepts_writes()
    wait_until(lambda: judged(CheckHealthy(), connections, "east") is None, 30)
    assert drive(Switchover(leave="pg2"), connections, at_east, 40).led_by == "pg1"
    wait_until(lambda: judged(CheckHealthy(), connections, "east") is None, 30)
    wait_until(sites.pg3.streams, 30)


RUNBOOK = """\
version: 1
runbook: orders
strategy: hot-standby
inventory: inventory.yaml
service: orders
objectives: {rto: 5m, rpo: 10s, downtime: 1m}
waivers: {failback: "tested"}
procedures:
  switchover:
    - {step: in_step, check: postgresql.data_loss, at: to, max: 0s, budget: 5s}
    - {step: well, check: patroni.healthy, at: from, budget: 5s}
    - {step: demote, action: patroni.demote, at: from, budget: 15s}
    - {step: promote, action: patroni.promote, at: to, budget: 10s}
    - {step: committed, action: postgresql.write_probe, at: to, budget: 5s}
    - {step: follow, action: patroni.reprotect, at: from, budget: 20s}
"""


def typed(home: Path, *words: str) -> str:
    """What a command of drtool printed."""
    done = subprocess.run(
        [sys.executable, "-m", "drtool", *words], cwd=home, capture_output=True, text=True,
        check=False, timeout=90, env={**os.environ, "DRTOOL_HOME": str(home / "journal")},
    )  # fmt: skip
    return done.stdout + done.stderr


def switch_over(sites: Sites) -> str:
    """A planned switchover from east to west, as a person starts it; what its end says."""
    identity = sites.pg1.sql("SELECT system_identifier::text FROM pg_control_system()")[0][0]
    known = sites.inventory(system_identifier=identity).model_dump(
        mode="json", exclude_defaults=True
    )
    known["services"]["orders"]["lease"] = {"at": "postgresql"}
    home = sites.directory / "operator"
    home.mkdir()
    (home / "inventory.yaml").write_text(yaml.safe_dump(known))
    (home / "orders.yaml").write_text(RUNBOOK)
    dry = typed(home, "switchover", "orders.yaml", "--dry-run", "--engine", "direct")
    assert "untouched" in dry, dry
    said = typed(home, "switchover", "orders.yaml", "--engine", "direct", "--detach")
    run = said.removeprefix("started ").strip()
    wait_until(lambda: "is approved" in typed(home, "approve", run, "start", "--service", "orders"))
    return typed(home, "attach", run) + typed(home, "explain", run)


def test_there_in_order_and_back_through_a_fence(sites: Sites, connections: Connections) -> None:
    sites.pg1.sql("CREATE TABLE orders (id int)")
    wait_until(lambda: sites.pg3.sql("SELECT to_regclass('orders') IS NOT NULL") == [(True,)])
    customer = Customer(*sites.members)
    customer.start()
    at_west = facts_at(connections, "west")
    with pytest.raises(Refused, match=r"no fence of east\.orders_db\.pg1 has been proven"):
        drive(Promote(), connections, at_west)
    end = switch_over(sites)
    assert "Recovered. orders runs at west" in end, end
    assert "UNPROTECTED" not in end
    at_east = facts_at(connections, "east")
    assert judged(CheckRole(role="standby"), connections, "east") is None
    assert Demote().changes(Demote().observe(Look(connections, at_east))) == []
    wait_until(sites.pg2.streams, 40)
    assert sites.pg3.accepts_writes()
    lost = {"from_site": "west", "to_site": "east", "procedure": Procedure.FAILOVER}
    at_west, at_east = (facts_at(connections, site, **lost) for site in ("west", "east"))
    fenced = drive(Fence(), connections, at_west, 60)
    assert not sites.pg3.accepts_writes()
    (proof,) = Fence().proofs(fenced, at_west)
    assert (proof.kind, proof.durable) == (ProofKind.PROCESSES, True)
    at_east = at_east.model_copy(update={"proofs": (proof,)})
    assert Promote().observe(Look(connections, at_east)).loss.seconds == 0.0
    leading = sites.pg1 if sites.pg1.role() == "standby_leader" else sites.pg2
    sites.tell(leading, "/config", standby_cluster=None)  # by somebody else, before us
    promoted = drive(Promote(), connections, at_east, 60)
    assert (promoted.role, promoted.cluster.following) == ("primary", None)
    wait_until(lambda: judged(CheckRole(role="standby"), connections, "west") is None, 40)
    written = customer.leave()
    kept = {row[0] for row in leading.sql("SELECT id FROM orders")}
    assert len(written) > 20
    assert set(written) <= kept


def test_a_wrong_password_is_told_at_the_start(sites: Sites) -> None:
    wrong = sites.inventory(rest={"password": sites.secret("wrong", "not this one")})
    connections = sites.connections(wrong)
    assert connections.get(PatroniReader, EAST).cluster().leader is not None
    with pytest.raises(AccessDenied, match="turns us away"):
        connections.get(PatroniHands, EAST)
    connections.close()


@pytest.fixture
def hosts(sites: Sites) -> Iterator[dict[str, SshHost]]:
    """The hosts of east's members."""
    made = {}
    for member in (sites.pg1, sites.pg2):
        made[member.name] = host = SshHost(sites.directory / f"ssh_{member.name}", member.address)
        host.environment = {"MEMBER": member.name}
        host.start()
    yield made
    for host in made.values():
        host.stop()


def test_without_its_dcs_every_member_is_ended_on_its_host(
    sites: Sites, hosts: dict[str, SshHost]
) -> None:
    """And, once its DCS is back, brought home as a standby of the new primary."""
    own = f"{sites.directory}/$MEMBER"
    stop = (
        f"p=$(cat {own}.pid); kill $p; "
        "while grep -q '^State:.[^Z]' /proc/$p/status 2>/dev/null; do sleep 0.02; done"
    )
    start = f"{shlex.join(_AS_USER)} {program('patroni')} {own}.yml >>{own}.log 2>&1 & "
    ctl = f'exec {program("patronictl")} -c {own}.yml "$@"'
    known = {
        f"east_{name}": {
            "ssh": {
                "address": host.address, "port": host.port, "user": "postgres",
                "host_key": host.host_key, "key_file": str(host.key_file),
            }
        }
        for name, host in hosts.items()
    }  # fmt: skip
    inventory = sites.inventory(
        known,
        fence=["patroni", "ssh"],
        stop_command=["sh", "-c", stop],
        start_command=["sh", "-c", f"{start} echo $! > {own}.pid"],
        patronictl=["sh", "-c", ctl, "patronictl"],
    )
    connections = sites.connections(inventory)
    session = connections.get(PostgresqlSession, EAST)
    session.create_heartbeat_table()
    session.write_heartbeat("orders")
    reader = connections.get(PostgresqlReader, WEST)
    wait_until(lambda: reader.replication().heartbeat is not None)
    sites.etcds["east"].process.kill()
    hosts["pg2"].stop()
    wait_until(lambda: not sites.pg1.says("/cluster"))
    assert "its DCS cannot be read" in str(judged(CheckHealthy(), connections, "east"))
    failover = {"procedure": Procedure.FAILOVER, "outage_start": datetime.now(UTC)}
    at_east = facts_at(connections, "east", **failover)
    with pytest.raises(StepFailed, match=r"east\.orders_db\.pg2: ssh"):
        drive(Fence(), connections, at_east, 5)
    seen = Fence().observe(Look(connections, at_east))
    assert [member.place for member in seen.left] == ["east.orders_db.pg2"]
    assert Fence().proofs(seen, at_east) == []
    hosts["pg2"].start()
    fenced = drive(Fence(), connections, at_east, 40)
    assert [member.accepts_writes() for member in sites.members[:2]] == [False, False]
    proofs = tuple(Fence().proofs(fenced, at_east))
    assert [proof.durable for proof in proofs] == [False, False]
    objectives = Objectives(rpo=Duration(30))
    at_west = facts_at(connections, "west", **failover, proofs=proofs, objectives=objectives)
    promoted = drive(Promote(), connections, at_west, 40)
    assert promoted.role == "primary"
    assert sites.pg3.accepts_writes()
    sites.etcds["east"].start()
    home = facts_at(connections, "east", procedure=Procedure.REPROTECT)
    assert drive(Reprotect(), connections, home, 60).following
    assert judged(CheckRole(role="standby"), connections, "east") is None
    assert Reprotect().changes(Reprotect().observe(Look(connections, home))) == []
    connections.close()
