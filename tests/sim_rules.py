"""Everything that can happen to two machines, two sites and their people, in any order."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sim_machine import Machine, on_stage
from sim_promises import broken_by
from sim_stage import Stage
from sim_world import SITES, SimWorld, other

from drtool.model.purpose import Mode, Procedure

MEMORY = Path("/dev/shm")
MACHINES = ("left", "right")
NODES = (*MACHINES, *SITES, "client")
ROUNDS, END_SECONDS = 25, 400.0
BREAKS = ("power", "process", "cut off", "cut from a machine", "cut from its standby", "lag",
          "name server", "lease")  # fmt: skip
MENDS = ("network", "server", "name server")
HANDS = ("nothing", "nothing", "promotes", "clock", "name")
HOW = ("live", "live", "dry", "take over")
STEERING = ("pause", "continue", "retry", "skip", "unwind", "escalate")
JUMPS = st.sampled_from([-3600.0, -60.0, -3.0, 3.0, 60.0, 3600.0])
sites = st.sampled_from(SITES)
machines = st.integers(0, len(MACHINES) - 1)
PLANNED = (Procedure.SWITCHOVER, Procedure.FAILBACK, Procedure.REPROTECT)
PLACES = (
    "step.intent-written",
    "step.effect-applied",
    "step.before-outcome",
    "step.outcome-written",
    "journal.written",
    "journal.committed",
    "journal.anchored",
)


class Recovery(RuleBasedStateMachine):
    """Runs are started, killed, resumed and answered while the world breaks and mends."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.world = SimWorld(Stage())
        self.stack = ExitStack()
        self.stack.enter_context(on_stage(self.world))
        self.machines = [Machine(name, self.world, self.home) for name in MACHINES]

    # people who run procedures

    @precondition(lambda self: self._idle())
    @rule(who=machines, power=st.booleans(), after=st.integers(0, 3), told=st.booleans())
    def the_primary_is_lost(self, who: int, power: bool, after: int, told: bool) -> None:
        """The usual disaster, and somebody who fails over."""
        if len(self.world.writable) == 1:
            site = self.world.writable[0]
            self.something_breaks(what="power" if power else "cut off", site=site, who=who)
            self.world.died_at = self.world.stage.now
            self.time_passes(seconds=after)
            self.fail_over(who=who, left=site, told=told and power, how="live")

    @precondition(lambda self: self._idle())
    @rule(who=machines, left=st.none() | sites, told=st.booleans(), how=st.sampled_from(HOW))
    def fail_over(self, who: int, left: str | None, told: bool, how: str) -> None:
        machine = self.machines[who]
        if machine.lives or machine.interrupted:
            return
        to = other(left) if left else None
        died = self.world.died_at
        since = self.world.stage.now - died if told and died is not None else None
        mode = Mode.DRY_RUN if how == "dry" else Mode.LIVE
        force = how == "take over"
        machine.start(Procedure.FAILOVER, left, to, mode=mode, since=since, by_force=force)
        machine.turns(15)

    @precondition(lambda self: self._idle())
    @rule(who=machines, procedure=st.sampled_from(PLANNED))
    def plan_it(self, who: int, procedure: Procedure) -> None:
        machine = self.machines[who]
        if machine.lives or machine.interrupted:
            return
        machine.start(procedure)
        machine.turns(15)

    @precondition(lambda self: any(machine.interrupted for machine in self.machines))
    @rule(who=machines)
    def resume(self, who: int) -> None:
        machine = self._one(who, "interrupted")
        machine.resume()
        machine.turns(15)

    @precondition(lambda self: any(machine.asks for machine in self.machines))
    @rule(who=machines, verb=st.sampled_from(["approve", "approve", "approve", "deny"]))
    def answer(self, who: int, verb: str) -> None:
        machine = self._one(who, "asks")
        machine.ask(verb, machine.asks[-1])

    @precondition(lambda self: self._lives())
    @rule(who=machines)
    def abort(self, who: int) -> None:
        machine = self._one(who, "lives")
        if machine.runs:
            machine.ask("abort")

    @precondition(lambda self: self._lives())
    @rule(who=machines)
    def state_truly(self, who: int) -> None:
        """A person gives their word of a fence, and it is true."""
        machine = self._one(who, "lives")
        left = machine.state().plan.direction.from_site if machine.events() else None
        if left and not self.world.servers[left].writable:
            self.world.stated = True
            machine.ask("state", "fence")

    @precondition(lambda self: self._lives())
    @rule(who=machines, verb=st.sampled_from(STEERING), at=st.integers(0, 20))
    def steer(self, who: int, verb: str, at: int) -> None:
        """What a person types at a run that goes on; of one step where it speaks of one."""
        machine = self._one(who, "lives")
        events = machine.events() if machine.runs else []
        if not events:
            return
        steps = machine.state().plan.steps
        step = steps[at % len(steps)].name if verb in {"retry", "skip"} else ""
        machine.ask(verb, step)

    # engines go on, and end

    @precondition(lambda self: self._lives())
    @rule(who=machines, turns=st.integers(1, 40))
    def go_on(self, who: int, turns: int) -> None:
        self._one(who, "lives").turns(turns)

    @precondition(lambda self: self._lives())
    @rule(who=machines, seconds=st.sampled_from([5.0, 30.0, 120.0]))
    def carry(self, who: int, seconds: float) -> None:
        self._one(who, "lives").carry(seconds)

    @precondition(lambda self: self._lives())
    @rule(who=machines, places=st.integers(1, 80))
    def crash_at_the_nth_place(self, who: int, places: int) -> None:
        machine = self._one(who, "lives")
        assert machine.process is not None
        left = [places]

        def reached(name: str) -> bool:
            del name
            left[0] -= 1
            return left[0] <= 0

        machine.process.crash_at = reached
        machine.carry(60.0)

    @precondition(lambda self: self._lives())
    @rule(who=machines, place=st.sampled_from(PLACES))
    def crash_at_a_named_place(self, who: int, place: str) -> None:
        machine = self._one(who, "lives")
        assert machine.process is not None
        machine.process.crash_at = lambda name: name == place
        machine.carry(60.0)

    @precondition(lambda self: self._lives())
    @rule(who=machines)
    def kill(self, who: int) -> None:
        self._one(who, "lives").kill()

    # the world breaks and mends

    @rule(seconds=st.sampled_from([1, 5, 20, 90]))
    def time_passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.world.tick()

    @rule(what=st.sampled_from(BREAKS), site=sites, who=machines)
    def something_breaks(self, what: str, site: str, who: int) -> None:
        world, server = self.world, self.world.servers[site]
        match what:
            case "power" | "process" if server.powered and server.running:
                self._dies(site, power=what == "power")
            case "cut off":
                world.cut |= {frozenset((site, node)) for node in NODES if node != site}
            case "cut from a machine":
                world.cut.add(frozenset((site, MACHINES[who])))
            case "cut from its standby":
                world.cut.add(frozenset(SITES))
            case "lag":
                world.lagging = True
            case "name server":
                world.down.add(f"ns_{site}")
            case "lease":
                for session in tuple(server.locks.values()):
                    world.end_session(server, session)
            case _:
                pass

    @rule(what=st.sampled_from(MENDS), site=sites)
    def something_mends(self, what: str, site: str) -> None:
        match what:
            case "server":
                self._returns(site)
            case "network":
                self.world.cut.clear()
                self.world.lagging = False
                self.world.stream()
            case _:
                self._name_server_returns(f"ns_{site}")

    @rule(what=st.sampled_from(HANDS), site=sites, who=machines, seconds=JUMPS)
    def somebody_meddles(self, what: str, site: str, who: int, seconds: float) -> None:
        server = self.world.servers[site]
        match what:
            case "promotes" if server.powered and server.running and server.recovery:
                self.world.by_hand = True
                self.world.promote(server)
            case "clock":
                self.world.clock_moved = True
                self.machines[who].clock.skew += seconds
            case "name":
                self.world.rename(f"ns_{site}", ("192.0.2.99",))
                self.world.by_hand = True
            case _:
                pass

    def _dies(self, site: str, *, power: bool) -> None:
        server = self.world.servers[site]
        if server.writable:
            self.world.died_at = self.world.stage.now
        if power:
            self.world.power(server, on=False)
        else:
            self.world.stop(server, clean=False)

    def _returns(self, site: str) -> None:
        """Somebody presses the button, or a supervisor starts it; the boot guard stands."""
        server = self.world.servers[site]
        if not server.powered:
            self.world.power(server, on=True)
        elif not server.running and (server.signal or not server.guarded):
            self.world.start(server)

    def _name_server_returns(self, name: str) -> None:
        if name in self.world.down:
            self.world.down.discard(name)
            self.world.transfer(name)

    # what must hold, always and at the end

    @invariant()
    def every_promise_holds(self) -> None:
        broken = broken_by(self.world, self.machines)
        assert not broken, "\n".join(broken)

    def teardown(self) -> None:
        """Heal everything: each run must come to a named end."""
        try:
            self._mend_all()
            for _ in range(ROUNDS):
                if all([self._at_its_end(machine) for machine in self.machines]):  # noqa: C419 - each
                    break
                self.world.tick(1.0)  # whoever was refused comes back a moment later
            self.every_promise_holds()
            for machine in self.machines:
                self._must_have_ended(machine)
        finally:
            for machine in self.machines:
                machine.close()
            self.stack.close()
            shutil.rmtree(self.home)

    def _mend_all(self) -> None:
        for site in SITES:
            for what in MENDS:
                self.something_mends(what=what, site=site)

    def _at_its_end(self, machine: Machine) -> bool:
        """Let a machine's run go on, taken up and consented to; whether nothing is left of it."""
        if machine.interrupted:
            machine.resume()
        machine.carry(END_SECONDS)
        if machine.lives and machine.state().paused:
            machine.ask("continue")
        for step in machine.asks:
            machine.ask("approve", step)
        return not machine.lives and not machine.interrupted

    def _must_have_ended(self, machine: Machine) -> None:
        if not machine.lives and not machine.interrupted:
            return
        last = machine.refusals[-1].text() if machine.refusals else str(machine.state())
        if "does not answer" not in last:  # a server that is not there again
            msg = f"run {machine.run} comes to no end: {last}"
            raise AssertionError(msg)

    def _idle(self) -> bool:
        return any(not machine.lives and not machine.interrupted for machine in self.machines)

    def _lives(self) -> bool:
        return any(machine.lives for machine in self.machines)

    def _one(self, who: int, fact: str) -> Machine:
        """The machine meant, or the other one where only that can be."""
        first = self.machines[who]
        return first if getattr(first, fact) else self.machines[1 - who]
