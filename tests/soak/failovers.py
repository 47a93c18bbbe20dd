"""Failovers in one lab, each with something killed in it, taken up until it is done, and judged.

``python tests/soak/failovers.py 300`` prints a line for each and the sums at the end, and writes
them to soak.json; the seed that it prints runs the same kills again with ``--seed``. With
``--every PART/OF`` the engine is killed at every crash point of every procedure in turn.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from lab_runs import ADDRESS, EAST, WEST, Operator, PracticeLab, wait_until
from measured import keep
from run_rules import ran_twice

from drtool.errors import DrtoolError
from drtool.lab import bring, prefect_server
from drtool.lab.layout import SITES
from drtool.lab.processes import process
from drtool.lab.shopping import lost
from drtool.lab.two_writers import two_writers
from drtool.lab.watching import Watch, orders_at
from drtool.model.purpose import Outcome
from drtool.progress.run_state import RunState
from drtool.progress.state import fold

PATIENCE = 150.0
HELPERS = ("dns", "ssh", "prefect")
RPO_SECONDS = 10.0
TRIES = 3
MANY = 300
KEPT = ("failovers", "resumed", "double_effects", "orders_lost_beyond_rpo", "two_primaries",
        "not_ended")  # fmt: skip


@dataclass
class Kill:
    """What is killed: the engine at a crash point or after a time, or a helper after a time."""

    what: str
    place: str = ""
    after: float = 0.0

    def __str__(self) -> str:
        return f"{self.what} at {self.place}" if self.place else f"{self.what} {self.after:.1f} s"


@dataclass
class Sums:
    """What must all be zero, but for the first three."""

    seed: int
    failovers: int = 0
    resumed: int = 0
    adopted: int = 0
    double_effects: int = 0
    orders_lost_beyond_rpo: int = 0
    two_primaries: int = 0
    not_ended: int = 0
    seconds: float = 0.0
    kills: dict[str, int] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (
            self.double_effects or self.orders_lost_beyond_rpo or self.two_primaries
            or self.not_ended
        )  # fmt: skip


class Soak:
    """One lab, one operator, and customers all the time."""

    def __init__(self, lab: PracticeLab, home: Path, seed: int, *, prefect: bool) -> None:
        self.lab, self.chance, self.sums = lab, random.Random(seed), Sums(seed)
        self.operator = Operator(lab, home)
        self.watch = Watch(lab.layout)
        self.places: dict[str, list[str]] = {}
        self.engine = "auto" if prefect else "direct"
        self._known_lost: set[str] = set()
        self._moments = 0

    def begin(self) -> None:
        """Customers come, and one clean round tells all crash points."""
        began = time.time()
        self.watch.start()
        self.watch.wait_until_served(began)

    def primary(self) -> str:
        return next(name for name in SITES if self.lab.site(name).postgresql.state == "primary")

    def failover(self, kill: Kill | None) -> None:
        """Lose the site with the primary, fail over, be killed on the way; judge what is there."""
        left = self.primary()
        to = WEST if left == EAST else EAST
        self.lab.place_orders(left, 1)
        before = self.lab.world()
        self.lab.cut_power(left)
        broken = time.time()
        words = ("--from", left, "--to", to, "--outage-since", "1s")
        runs = self._until_done("failover", words, kill)
        self.sums.failovers += 1
        self._judge(runs, to, broken, before.timelines[left] or 0)

    def come_back(self, kill: Kill | None = None) -> None:
        """The site returns, and becomes the standby."""
        site = WEST if self.primary() == EAST else EAST
        if self.lab.site(site).power.on is not True:
            self.lab.power_back(site)
        self._until_done("reprotect", (), kill)
        self.lab.caught_up(self.primary())

    def move(self, kill: Kill | None = None) -> None:
        """A switchover to the other site."""
        left = self.primary()
        timeline = self.lab.site(left).postgresql.timeline or 0
        runs = self._until_done("switchover", (), kill)
        self._judge(runs, WEST if left == EAST else EAST, 0.0, timeline)
        self.lab.caught_up(self.primary())

    def random_kill(self, procedure: str) -> Kill:
        what = self.chance.choice(("place", "place", "engine", "engine", *HELPERS))
        if what == "place":
            return Kill("engine", place=self.chance.choice(self.places[procedure]))
        return Kill(what, after=self.chance.uniform(0.0, 3.0))

    def learn(self, procedure: str, *words: str) -> None:
        """The crash points of a clean run."""
        listed = self.operator.home / f"{procedure}.places"
        self.operator.home.mkdir(parents=True, exist_ok=True)
        run = self._start(procedure, words, {"DRTOOL_CRASH_LIST": str(listed)})
        self._follow(run)
        passed = listed.read_text().split("\n") if listed.exists() else []
        self.places[procedure] = list(dict.fromkeys(filter(None, passed)))

    def _until_done(self, procedure: str, words: tuple[str, ...], kill: Kill | None) -> list[str]:
        """Runs until one has ended well; the first is killed on the way."""
        runs: list[str] = []
        for number in range(TRIES):
            try:
                runs.append(self._one(procedure, words, kill if number == 0 else None))
            except (AssertionError, DrtoolError) as error:
                self._trouble(f"{procedure}: {kill}: {str(error)[:300]}")
                continue
            ended = fold(self.operator.events(runs[-1])).ended
            if ended is not None and ended.outcome is Outcome.SUCCEEDED:
                return runs
            told = f"{ended.outcome.value}: {ended.reason[:200]}" if ended else "no end"
            self._trouble(f"{procedure}: {kill}: run {runs[-1]} {told}")
            self.sums.adopted += 1
        self.sums.not_ended += 1
        return runs

    def _one(self, procedure: str, words: tuple[str, ...], kill: Kill | None) -> str:
        variables = {"DRTOOL_CRASH_AT": kill.place} if kill and kill.place else {}
        killer = None
        run = self._start(procedure, words, variables)
        if kill is not None and not kill.place:
            killer = threading.Timer(kill.after, self._kill, (kill.what, run))
            killer.start()
        self._follow(run)
        if killer is not None:
            killer.join()
            self._mend_helpers()
        return run

    def _start(self, procedure: str, words: tuple[str, ...], variables: dict[str, str]) -> str:
        """Start it; an engine that is killed before it has told its id is found by its journal."""
        known = {one.run for one in self.operator.runs()}
        typed = self.operator.type(
            *self.operator.words(procedure, *words), "--engine", self.engine, **variables
        )
        if typed.code == 0:
            return str(json.loads(typed.out)["run"])
        fresh = [one.run for one in self.operator.runs() if one.run not in known]
        if fresh:
            return fresh[0]
        assert variables, typed.said  # killed before the first record: start again
        return self._start(procedure, words, {})

    def _follow(self, run: str) -> None:
        """Consent to what it asks, take it up when its engine is gone, until it has ended."""
        until = time.monotonic() + PATIENCE
        while True:
            state = fold(self.operator.events(run))
            if state.ended is not None:
                self._wait_for_its_leave(run)
                return
            assert time.monotonic() < until, f"run {run} comes to no end"
            if not self._alive(run, state):
                typed = self.operator.type("resume", run, "--detach")
                self.sums.resumed += typed.code == 0
                time.sleep(0.2)
                continue
            for consent in state.waiting_for:
                done = consent.asked.what == "decision"
                self.operator.type(
                    "approve", run, consent.asked.step, "--service", "orders",
                    *(("--reason", "practice") if done else ()),
                )  # fmt: skip
            time.sleep(0.05)

    def _wait_for_its_leave(self, run: str) -> None:
        engine = self.operator.engine(run)
        if engine is not None:
            wait_until(lambda: not engine.runs, 30)

    def _alive(self, run: str, state: RunState) -> bool:
        found = process(state.pid)
        return found is not None and found.runs and self.operator.status(run)["engine_alive"]

    def _kill(self, what: str, run: str) -> None:
        """SIGKILL the engine, or stop a helper for two seconds."""
        if what == "engine":
            engine = self.operator.engine(run)
            if engine is not None and engine.runs:
                engine.send(signal.SIGKILL)
            return
        if what == "prefect":
            server = bring.processes(self.lab.layout).get("prefect")
            if server is not None and server.runs:
                server.send(signal.SIGSTOP)
                time.sleep(2)
                server.send(signal.SIGCONT)
            return
        site = next(name for name in SITES if self.lab.site(name).power.on)
        self.lab.service(site, "stop", what)
        time.sleep(2)
        self.lab.service(site, "start", what)

    def _mend_helpers(self) -> None:
        """What a kill has stopped runs again."""
        for site in SITES:
            if not self.lab.site(site).power.on:
                continue
            for what, answers in (("dns", "dns"), ("ssh", "ssh")):
                if not getattr(self.lab.site(site), answers).answers:
                    self.lab.service(site, "start", what)
            wait_until(lambda site=site: self.lab.site(site).dns.endpoint_address, 30)  # type: ignore[misc]

    def _judge(self, runs: list[str], to: str, broken: float, timeline: int) -> None:
        world, sums = self.lab.world(), self.sums
        if world.roles[to] != "primary" or world.names[to] != ADDRESS[to]:
            sums.not_ended += 1
            self._trouble(f"{to} is {world.roles[to]}, its name says {world.names[to]}")
        if world.timelines[to] != timeline + 1:
            sums.double_effects += 1
            self._trouble(f"timeline {world.timelines[to]} after {timeline}")
        for run in runs:
            for found in ran_twice(self.operator.events(run)):
                sums.double_effects += 1
                self._trouble(f"run {run}: {found}")
        self._judge_orders(to, broken)
        moments = [one for one in two_writers(self.watch.writes()) if one.certain]
        if len(moments) > self._moments:
            sums.two_primaries += len(moments) - self._moments
            self._moments = len(moments)
            self._trouble(f"two writable primaries: {moments[-1]}")

    def _judge_orders(self, to: str, broken: float) -> None:
        gone = lost(self.watch.orders(), orders_at(self.lab.layout, to))
        fresh = [one for one in gone if one.id not in self._known_lost]
        self._known_lost |= {one.id for one in fresh}
        beyond = [one for one in fresh if not broken - RPO_SECONDS <= one.answered <= broken + 0.1]
        if beyond:
            self.sums.orders_lost_beyond_rpo += len(beyond)
            self._trouble(f"{len(beyond)} orders lost beyond the RPO, first {beyond[0]}")

    def _trouble(self, text: str) -> None:
        self.sums.troubles.append(f"failover {self.sums.failovers}: {text}")
        print(f"  ! {text}", flush=True)


def soak(made: Soak, count: int) -> None:
    """As many failovers, there and back again, each with a kill."""
    began = time.monotonic()
    made.begin()
    made.places["failover"] = list(PLACES)
    made.places["reprotect"] = list(PLACES)
    for number in range(1, count + 1):
        kill = made.random_kill("failover")
        made.sums.kills[kill.what] = made.sums.kills.get(kill.what, 0) + 1
        made.failover(kill)
        made.come_back(made.random_kill("reprotect") if number % 3 == 0 else None)
        sums = made.sums
        sums.seconds = round(time.monotonic() - began, 1)
        print(
            f"{number}/{count} {kill}: double effects {sums.double_effects}, lost beyond the RPO "
            f"{sums.orders_lost_beyond_rpo}, two primaries {sums.two_primaries}, without end "
            f"{sums.not_ended}; resumed {sums.resumed}; {sums.seconds:.0f} s",
            flush=True,
        )


PLACES = (
    "lease.taken", "run.started-written", "consent.asked-written", "step.started-written",
    *(f"step.{moment} {step}" for step in ("fence", "promote", "redirect", "reinstate")
      for moment in ("before-intent", "intent-written", "effect-applied", "outcome-written")),
    "step.before-outcome", "step.outcome-written", "step.proven-again", "run.ended-written",
    "lease.given-back", "lease.ended-written", "request.taken", "request.settled",
    "journal.written", "journal.committed", "journal.anchored",
)  # fmt: skip


def every_place(made: Soak, part: int, of: int, only: str) -> None:
    """The engine of every procedure is killed at each of its crash points, one round for each.

    ``only`` is what the names of the crash points must hold.
    """
    made.begin()
    made.learn("switchover")
    made.learn("switchover")
    made.places["failback"] = made.places["switchover"]
    made.failover(None)
    made.come_back()
    pairs = [("switchover", place) for place in made.places["switchover"]]
    pairs += [(procedure, place) for procedure in ("failover", "reprotect") for place in PLACES]
    for procedure, place in [pair for pair in pairs if only in pair[1]][part - 1 :: of]:
        kill = Kill("engine", place=place)
        if procedure == "switchover":
            made.move(kill)
        else:
            made.failover(kill if procedure == "failover" else None)
            made.come_back(kill if procedure == "reprotect" else None)
        print(f"{procedure} killed at {place}: {'clean' if made.sums.clean else 'NOT CLEAN'}",
              flush=True)  # fmt: skip


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--every", default="", help="PART/OF of the sweep over all crash points")
    parser.add_argument("--only", default="", help="a part of the crash points' names")
    parser.add_argument("--prefect", action="store_true", help="runs go through Prefect")
    parser.add_argument("--json", type=Path, default=Path("soak.json"))
    said: Any = parser.parse_args(words)
    again = f"{said.count} --seed {said.seed}{' --prefect' if said.prefect else ''}"
    print(f"seed {said.seed}: tests/soak/failovers.py {again}", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="drtool-soak-"))
    home = directory / "lab"
    layout = bring.up(home, prefect=said.prefect)
    made = Soak(PracticeLab(layout), directory / "runs", said.seed, prefect=said.prefect)
    if said.prefect:
        prefect_server.wait_until_calm(prefect_server.reach(layout))
    try:
        if said.every:
            part, of = map(int, said.every.split("/"))
            every_place(made, part, of, said.only)
        else:
            soak(made, said.count)
    finally:
        made.watch.stop()
        bring.down(home)
        said.json.write_text(json.dumps(asdict(made.sums), indent=2) + "\n", encoding="utf-8")
    sums = asdict(made.sums)
    print(json.dumps(sums))
    if not said.only and (said.count >= MANY if not said.every else said.every == "1/1"):
        keep("places" if said.every else "failovers", **{name: sums[name] for name in KEPT})
    return 0 if made.sums.clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
