"""What the runbook of the world in memory does besides our own actions, and the runbook."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from good_documents import INVENTORY
from sim_reach import SimConnections, SimContext
from sim_world import other

from drtool.action import Command, Entry, Facts, Hands, Look, Notice, StateAction, Target
from drtool.catalog import Catalog
from drtool.errors import StepFailed, Unreachable
from drtool.model.change import Change
from drtool.model.purpose import Purpose
from drtool.model.value import Value
from drtool.runbook.load import Loaded, load

RUNBOOK = """\
version: 1
runbook: orders
strategy: hot-standby
inventory: inventory.yaml
service: orders
objectives: {rto: 10m, rpo: 10s, downtime: 10m}
blocks:
  move_clients:
    - {step: redirect, action: dns.redirect, budget: 10s}
    - parallel:
        - {step: dns_agrees, check: dns.resolves, budget: 5s, deadline: 20s}
        - {step: orders_accepted, action: http.writes, passes: 2, budget: 5s, deadline: 20s}
procedures:
  failover:
    - {step: warm, action: sim.prepare, at: to, budget: 1s}
    - {step: loss_now, check: postgresql.data_loss, at: to, max: "{{ objectives.rpo }}",
       budget: 5s}
    - {step: consent, approval: {of: incident_commander, budget: 1m, otherwise: abort}}
    - {step: fence, action: postgresql.fence, at: from, budget: 5s, deadline: 15s,
       on_failure: unwind}
    - {step: promote, action: postgresql.promote, at: to, budget: 10s}
    - use: move_clients
    - {step: traced, action: sim.script, at: to, budget: 1s}
    - {step: untraced, action: sim.script, at: to, with: {trace: false}, budget: 1s}
    - {step: told, notice: sim.tell, with: {text: done}}
  switchover:
    - {step: in_step, check: postgresql.data_loss, at: to, max: 0s, budget: 5s}
    - {step: demote, action: postgresql.demote, at: from, budget: 10s}
    - {step: promote, action: postgresql.promote, at: to, budget: 5s}
    - use: move_clients
    - {step: follow, action: postgresql.reprotect, at: from, budget: 30s}
  reprotect:
    - {step: reinstate, action: postgresql.reinstate, at: from, budget: 10m}
    - {step: caught_up, check: postgresql.data_loss, at: from, max: 0s, deadline: 5m}
  failback: {switchover: to_preferred}
"""
NAME_SERVERS = """
    ns_east: {site: east, address: 192.0.2.1}
    ns_west: {site: west, address: 192.0.2.2}
"""
POWER_WEST = (
    '    power: {redfish: "https://192.0.2.102", system: "1", password: {secret: "env:BMC"}}'
)


def sim_of(look: Look) -> SimContext:
    connections: Any = look._connections
    assert isinstance(connections, SimConnections)
    return connections.sim


class Placed(Value):
    site: str = ""


class Writes(Command[Placed]):
    """Place an order through the service's own name."""

    purpose = Purpose.VERIFY
    target = Target.SITE
    one_way = False
    may_set_purpose = False
    from_outside = True

    def preview(self, facts: Facts) -> list[Change]:
        return [Change(subject=facts.service, before="as it is", after="one order")]

    def run(self, hands: Hands) -> Placed:
        sim = sim_of(hands)
        sim.stage.pause()
        site = sim.world.client_writes()
        if site is None:
            raise StepFailed("orders", "no order was accepted")
        wanted = hands.facts.direction.to_site
        if site != wanted:
            raise StepFailed("orders", f"{site} answered", str(wanted))
        sim.world.note(sim.machine, sim.run, "order accepted", site)
        return Placed(site=site)

    def by_hand(self, facts: Facts) -> list[str]:
        return [f"place an order at {facts.at}"]


class FollowSeen(Value):
    place: str
    reachable: bool
    streaming: bool
    trouble: str = ""


class Reinstate(StateAction[FollowSeen]):
    """Make the server at the site that was left follow the other one, whatever it has."""

    purpose = Purpose.REPROTECT
    target: ClassVar[Target] = Target.SYSTEM
    system_kind: ClassVar[str] = "postgresql"
    rewinds: ClassVar[bool] = True

    def observe(self, look: Look) -> FollowSeen:
        sim, place = sim_of(look), look.facts.at
        assert place is not None
        sim.stage.pause()
        if not sim.world.linked(sim.machine, place.site):
            raise Unreachable(f"host of {place}", "does not answer")
        return FollowSeen(place=place.site, reachable=True, streaming=sim.world.streams(place.site))

    def changes(self, seen: FollowSeen) -> list[Change]:
        if seen.streaming:
            return []
        after = f"a standby of {other(seen.place)}"
        return [Change(subject=f"postgresql {seen.place}", before="alone", after=after)]

    def reason_not_to_apply(self, seen: FollowSeen, facts: Facts) -> str | None:
        del seen, facts
        return None

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        del changes
        sim, place = sim_of(hands), hands.facts.at
        assert place is not None
        server, source = sim.world.servers[place.site], sim.world.servers[other(place.site)]
        if not source.writable:
            raise StepFailed(source.site, "is no primary")
        if server.writable:
            raise StepFailed(server.site, "is a primary")
        shares = sim.world.shares(server, source)
        if not shares and not self.rewinds:
            raise StepFailed(server.site, "has written what the other never had")
        if not shares:
            first = next(
                at for at, pair in enumerate(zip(server.wal, source.wal, strict=False))
                if pair[0] != pair[1]
            ) if server.wal[: len(source.wal)] != source.wal else len(source.wal)  # fmt: skip
            server.wal = server.wal[:first]
        server.signal, server.policy, server.guarded = True, "LastState", False
        server.powered, server.follows = True, True
        sim.world.stop(server, clean=True)
        sim.world.start(server)
        sim.world.note(sim.machine, sim.run, "follow", server.site)

    def by_hand(self, facts: Facts) -> list[str]:
        return [f"rewind {facts.at}"]


class Reprotect(Reinstate):
    """Make a server that shares the other's past follow it."""

    rewinds: ClassVar[bool] = False


class Prepare(StateAction[Placed]):
    """A preparation that can be taken back."""

    purpose = Purpose.PROVISION
    target: ClassVar[Target] = Target.SYSTEM
    one_way: ClassVar[bool] = False

    def observe(self, look: Look) -> Placed:
        sim, place = sim_of(look), look.facts.at
        sim.stage.pause()
        assert place is not None
        return Placed(site=sim.world.prepared[place.site])

    def changes(self, seen: Placed) -> list[Change]:
        return [] if seen.site == "yes" else [Change(subject="warm", before="no", after="yes")]

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        assert changes
        self._put(hands, "yes")

    def undo(self, hands: Hands, before: Placed) -> None:
        self._put(hands, before.site)

    def by_hand(self, facts: Facts) -> list[str]:
        return [f"warm {facts.at}"]

    @staticmethod
    def _put(hands: Hands, value: str) -> None:
        sim, place = sim_of(hands), hands.facts.at
        assert place is not None
        sim.world.prepared[place.site] = value
        sim.world.note(sim.machine, sim.run, f"warm {value}", place.site)


class Script(Command[Placed]):
    """Runs once; what it leaves can be found, unless it leaves no trace."""

    purpose = Purpose.ANNOUNCE
    target: ClassVar[Target] = Target.SYSTEM
    trace: bool = True

    def preview(self, facts: Facts) -> list[Change]:
        return [Change(subject=f"script {facts.step}", before="not run", after="run")]

    def run(self, hands: Hands) -> Placed:
        sim, step = sim_of(hands), hands.facts.step
        sim.world.note(sim.machine, sim.run, f"script {step}")
        sim.world.scripts[step] = sim.run
        return Placed(site=step)

    def find(self, look: Look) -> Placed | None:
        sim, step = sim_of(look), look.facts.step
        sim.stage.pause()
        done = self.trace and sim.world.scripts.get(step) == sim.run
        return Placed(site=step) if done else None

    def by_hand(self, facts: Facts) -> list[str]:
        return [f"run the script of {facts.step}"]


class Tell(Notice):
    """Tells."""

    purpose = Purpose.ANNOUNCE
    text: str

    def send(self, hands: Hands) -> None:
        sim_of(hands).stage.pause()

    def by_hand(self, facts: Facts) -> list[str]:
        return [f"tell everybody of {facts.service}"]


@cache
def catalog() -> Catalog:
    found = Catalog.load()
    ours: dict[str, type[Entry]] = {
        "http.writes": Writes,
        "postgresql.reinstate": Reinstate,
        "postgresql.reprotect": Reprotect,
        "sim.prepare": Prepare,
        "sim.script": Script,
        "sim.tell": Tell,
    }
    for name, entry in ours.items():
        found.register(name, entry)
    return found


@cache
def documents() -> Loaded:
    """The runbook and the inventory, linted; their files are not read again."""
    inventory = INVENTORY.replace("\n    ns_east: {site: east, address: 192.0.2.1}\n", NAME_SERVERS)
    inventory = inventory.replace("fence: [ssh]}", "fence: [ssh, power]}")
    inventory = inventory.replace("\ndns:\n", f"\n{POWER_WEST}\ndns:\n")
    with TemporaryDirectory() as directory:
        (Path(directory) / "inventory.yaml").write_text(inventory)
        path = Path(directory) / "orders.yaml"
        path.write_text(RUNBOOK)
        return load(path, None, catalog())
