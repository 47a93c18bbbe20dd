"""Every crash point of every procedure, each killed in turn: the same world as undisturbed.

In memory, with the real engine, journal, planner, lease and most actions; the real lab's sweep
is part of ``make soak``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest
from sim_machine import Machine, on_stage
from sim_promises import broken_by
from sim_stage import Stage
from sim_world import ADDRESS, EAST, WEST, SimWorld

from drtool.model.purpose import Outcome, Procedure

pytestmark = pytest.mark.faults
MEMORY = Path("/dev/shm")
# What a procedure begins with: how the world stands before it.
PROCEDURES = ("failover", "switchover", "reprotect", "failback", "unwound")
DEEP = 5
SOAK = bool(os.environ.get("SOAK_EXAMPLES"))


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
        self._carry()

    def passed(self) -> list[str]:
        """The places of a clean run, in the order in which it passed them."""
        self.finish()
        assert self.machine.process is not None
        return self.machine.process.passed

    def finish(self) -> None:
        """Take it up and carry it to its end, and consent to whatever it asks."""
        for _ in range(30):
            if self.machine.interrupted:
                self.machine.resume()
            elif not self.machine.lives:
                if self.over:
                    return
                self._begin(self.procedure)  # it was killed before its first record
            self._carry()
        msg = f"{self.procedure} comes to no end: {self.machine.refusals}"
        raise AssertionError(msg)

    def killed_deeper(self, number: int) -> bool:
        """Take it up once more and kill it again; False when it has ended."""
        if self.over:
            return False
        if self.machine.interrupted:
            self.machine.resume()
        else:
            self._begin(self.procedure)
        self._kill_at(number)
        return not self.over

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

    def _carry(self) -> None:
        for _ in range(20):
            self.machine.carry(400.0)
            if not self.machine.lives:
                return
            for step in self.machine.asks:
                self._answer(step)

    def _answer(self, step: str) -> None:
        """Consent; whether a script without a trace has run a person looks up."""
        done = any(one.what == f"script {step}" for one in self.world.of_run(self.machine.run))
        self.machine.ask("skip" if done else "approve", step)

    def _begin(self, procedure: str) -> None:
        if procedure in {"failover", "unwound"}:
            self.machine.start(Procedure.FAILOVER, EAST, WEST, since=1.0)
        else:
            self.machine.start(Procedure(procedure))

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


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, tuple[list[str], tuple[object, ...], list[tuple[str, str]]]]:
    """For each procedure its places, its final world and its effects."""
    found = {}
    for procedure in PROCEDURES:
        with Story(procedure) as story:
            passed = story.passed()
            wanted = Outcome.UNWOUND if procedure == "unwound" else Outcome.SUCCEEDED
            ended = story.machine.state().ended
            assert ended is not None
            assert ended.outcome is wanted, ended
            found[procedure] = (passed, story.final, story.effects())
    return found


Undisturbed = dict[str, tuple[list[str], tuple[object, ...], list[tuple[str, str]]]]


def as_undisturbed(story: Story, wanted: Undisturbed) -> Iterator[str]:
    """What differs from the undisturbed run, and what promise is broken."""
    _, final, effects = wanted[story.procedure]
    at = " then ".join(story.killed)
    if story.final != final:
        yield f"killed at {at}: {story.final} instead of {final}"
    if story.effects() != effects:
        yield f"killed at {at}: did {story.effects()} instead of {effects}"
    for broken in story.judged():
        yield f"killed at {at}: {broken}"


def chosen(places: list[str]) -> Iterator[tuple[int, str]]:
    """Every place by its number; in haste without those that nothing lies between.

    A step's place has a second name right after the first one, and each record that is written
    is followed by a place of its own, but for the moment at which the anchor lacks it.
    """
    for number, place in enumerate(places, 1):
        named = " " in place
        if SOAK or not (named or place in {"journal.written", "journal.anchored"}):
            yield number, place


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_killed_at_every_crash_point_it_ends_in_the_same_world(
    undisturbed: Undisturbed, procedure: str
) -> None:
    places = undisturbed[procedure][0]
    wrong: list[str] = []
    assert len(places) > 20
    for number, place in chosen(places):
        with Story(procedure) as story:
            assert story.killed_at(number) == place
            story.finish()
            wrong += as_undisturbed(story, undisturbed)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_killed_five_deep_inside_resume_it_ends_in_the_same_world(
    undisturbed: Undisturbed, procedure: str
) -> None:
    places = undisturbed[procedure][0]
    wrong: list[str] = []
    for number in range(1, len(places), 2 if SOAK else 11):
        with Story(procedure) as story:
            story.killed_at(number)
            for deeper in range(1, DEEP + 1):
                if not story.killed_deeper(1 + (number * deeper) % 13):
                    break
            story.finish()
            wrong += as_undisturbed(story, undisturbed)
    assert not wrong, "\n".join(wrong)


def test_there_is_a_crash_point_at_every_boundary(undisturbed: Undisturbed) -> None:
    passed = [place for places, _, _ in undisturbed.values() for place in places]
    with Story("failover") as story:  # a fence is proven again when a run is taken up
        story.killed_at(undisturbed["failover"][0].index("step.intent-written promote"))
        passed += story.passed()
    known = {place.partition(" ")[0] for place in passed}
    wanted = {
        "run.started-written", "run.ended-written", "lease.given-back", "consent.asked-written",
        "consent.given-written", "step.started-written", "step.before-intent",
        "step.intent-written", "step.effect-applied", "step.before-outcome",
        "step.outcome-written", "step.proven-again", "unwind.intent-written",
        "unwind.effect-applied", "unwind.outcome-written", "journal.written",
        "journal.committed", "journal.anchored", "request.taken", "request.settled",
        "lease.taken",
    }  # fmt: skip
    assert wanted <= known, wanted - known
