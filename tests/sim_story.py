"""One procedure in a world of its own, carried to its end however often it is killed."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from sim_machine import Machine, on_stage
from sim_promises import broken_by
from sim_stage import Stage
from sim_world import ADDRESS, EAST, WEST, SimWorld

from drtool.model.purpose import Procedure

MEMORY = Path("/dev/shm")


class Story:
    """One procedure in a world of its own, carried to its end however often it is killed."""

    def __init__(self, procedure: str) -> None:
        self.procedure = procedure
        self.home = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.world = SimWorld(Stage())
        self.stack = ExitStack()
        self.stack.enter_context(on_stage(self.world))
        self.machine = Machine("left", self.world, self.home)
        self.killed: list[str] = []

    def __enter__(self) -> Self:
        if self.procedure in {"reprotect", "failback"}:
            self._failed_over()
        if self.procedure == "failback":
            self._protected_again()
        if self.procedure in {"failover", "unwound"}:
            self._outage()
        if self.procedure == "unwound":  # no path of the fence answers
            self.world.cut.add(frozenset(("left", EAST)))
        self.begun, self.earlier = len(self.world.effects), len(self.machine.runs)
        self._begin(self.procedure)
        return self

    def __exit__(self, *error: object) -> None:
        self.machine.close()
        self.stack.close()
        shutil.rmtree(self.home)

    def killed_at(self, number: int) -> str:
        """Run until the process passes its n-th crash point from now, and end it there."""
        self._kill_at(number)
        assert self.killed, "the injection must take effect"
        return self.killed[-1]

    def _kill_at(self, number: int) -> None:
        machine, left = self.machine, [number]

        def reached(name: str) -> bool:
            left[0] -= 1
            if left[0] == 0:
                self.killed.append(name)
            return left[0] <= 0

        assert machine.process is not None
        machine.process.crash_at = reached
        self.carry()

    def passed(self) -> list[str]:
        """The places of a clean run, in the order in which it passed them."""
        self.finish()
        assert self.machine.process is not None
        return self.machine.process.passed

    def finish(self) -> None:
        """Take it up and carry it to its end, and consent to whatever it asks."""
        for _ in range(30):
            if self.machine.interrupted:
                self._take_up()
            elif not self.machine.lives:
                if self.over:
                    return
                self._begin(self.procedure)  # it was killed before its first record
            self.carry()
        msg = f"{self.procedure} comes to no end: {self.machine.refusals}"
        raise AssertionError(msg)

    def killed_deeper(self, number: int) -> bool:
        """Take it up once more and kill it again; False when it has ended."""
        if self.over:
            return False
        if self.machine.interrupted:
            self._take_up()
        else:
            self._begin(self.procedure)
        self._kill_at(number)
        return not self.over

    def _take_up(self) -> None:
        """Resume it; a planned run whose primary is gone is handed over."""
        procedure = self.machine.state().plan.procedure
        lost = not self.world.servers[EAST].powered
        escalate = self.procedure == "escalated" and lost and not procedure.unplanned
        self.machine.resume(escalate=escalate)

    @property
    def over(self) -> bool:
        """Whether the procedure has come to its end, by its record."""
        return len(self.machine.runs) > self.earlier and self.machine.ended

    @property
    def final(self) -> tuple[object, ...]:
        return self.world.state()

    def effects(self) -> list[tuple[str, str]]:
        """What was done to the world, but for what verifies it."""
        done = self.world.effects[self.begun :]
        return sorted((one.what, one.site) for one in done if one.what != "order accepted")

    def judged(self) -> list[str]:
        return broken_by(self.world, [self.machine])

    def carry(self) -> None:
        """Until it has ended, and consent to whatever it asks."""
        for _ in range(20):
            self.machine.carry(400.0)
            if not self.machine.lives:
                return
            for step in self.machine.asks:
                self._answer(step)

    def _answer(self, step: str) -> None:
        """Consent; whether a script without a trace has run a person looks up."""
        if self.procedure == "escalated" and step == "start":  # the primary dies meanwhile
            self.world.power(self.world.servers[EAST], on=False)
            self.machine.ask("escalate")
            return
        done = any(one.what == f"script {step}" for one in self.world.of_run(self.machine.run))
        self.machine.ask("skip" if done else "approve", step)

    def _begin(self, procedure: str) -> None:
        if procedure in {"failover", "unwound"}:
            self.machine.start(Procedure.FAILOVER, EAST, WEST, since=1.0)
        else:
            named = Procedure.SWITCHOVER if procedure == "escalated" else Procedure(procedure)
            self.machine.start(named)

    def _outage(self) -> None:
        self.world.power(self.world.servers[EAST], on=False)
        self.world.tick()

    def _failed_over(self) -> None:
        """As a failover leaves it, east's machine running again."""
        self._outage()
        east, west = self.world.servers[EAST], self.world.servers[WEST]
        east.policy = "AlwaysOff"
        self.world.promote(west)
        self.world.names = dict.fromkeys(self.world.names, (ADDRESS[WEST],))
        self.world.power(east, on=True)
        self.world.tick()

    def _protected_again(self) -> None:
        """As a reprotect leaves it."""
        east, west = self.world.servers[EAST], self.world.servers[WEST]
        east.policy, east.guarded, east.signal = "LastState", False, True
        east.wal, east.follows = list(west.wal), True
        self.world.start(east)
