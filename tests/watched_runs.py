"""Runs of the engine's bench in a home of their own, as processes that can be killed or stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine_bench import Bench, approval, chain, failover_steps, inventory, plan_of, step
from told_people import PATIENT, ways

from drtool.clock import SystemClock
from drtool.engine.ports import Ports
from drtool.engine.run import Engine
from drtool.journal.home import journal_path
from drtool.journal.pulse import Pulsing
from drtool.journal.store import Journal
from drtool.model.inventory import Inventory
from drtool.notify.listener import Notifier
from drtool.units import Duration

GENEROUS = 60.0


class OtherBoot(SystemClock):
    """The clock of a machine as it was before a reboot."""

    def boot_id(self) -> str:
        return "the boot before this one"


def bench_in(home: Path, clock: SystemClock | None = None) -> Bench:
    """A bench whose journal is the one that drtool reads in this home."""
    made = Bench(home, limits=PATIENT)
    made.journal.close()
    made.clock = clock or made.clock
    made.journal = Journal.open(journal_path(home), made.clock, made.redactor)
    return made


def ports_of(bench: Bench, slack: str = "") -> Ports:
    """The ports of a run with a pulse, which is told where a Slack is given."""
    path = bench.journal.path
    made = replace(bench.ports(), pulse=lambda run: Pulsing(path, run, bench.clock))
    if not slack:
        return made
    home = bench.directory
    threads = home / "notices" / "r1.json"
    notifier = Notifier(ways(slack), home, threads, home / "notices.log", path)
    if bench.events:
        notifier.know(bench.events)
    return replace(made, listeners=(notifier,))


@dataclass
class WatchedRun:
    """An engine as a process of its own."""

    home: Path
    process: subprocess.Popen[bytes]
    bench: Bench = field(init=False)

    def __post_init__(self) -> None:
        self.bench = bench_in(self.home)

    def until(self, fact: Callable[[], object], seconds: float = GENEROUS) -> None:
        end = time.monotonic() + seconds
        while not fact():
            assert time.monotonic() < end, "not reached in time"
            time.sleep(0.02)

    def drtool(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command at another terminal of this machine."""
        return subprocess.run(
            [sys.executable, "-m", "drtool", *words],
            env=self.surroundings, capture_output=True, text=True, check=False, timeout=GENEROUS,
        )  # fmt: skip

    def attach(self, *words: str) -> subprocess.Popen[str]:
        """A terminal that follows the run."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "drtool", "attach", "r1", *words],
            env=self.surroundings, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    @property
    def surroundings(self) -> dict[str, str]:
        return {**os.environ, "DRTOOL_HOME": str(self.home), "COLUMNS": "200"}

    def ready(self, what: str) -> bool:
        """Whether the run stands where it waits, or has ended."""
        if not self.bench.events:
            return False
        if what == "asks":
            return bool(self.bench.asked("consent"))
        if what == "hangs":
            return "one=yes" in self.bench.world.effects
        ended = self.bench.state.ended is not None
        return ended or self.bench.outcomes().get("gate") == "running"


@contextmanager
def watched(home: Path, what: str = "gate", slack: str = "") -> Iterator[WatchedRun]:
    """A run that stands at a gate; whatever is left of its engine is ended."""
    with subprocess.Popen([sys.executable, __file__, str(home), what, slack]) as process:
        made = WatchedRun(home, process)
        try:
            made.until(lambda: made.ready(what))
            yield made
        finally:
            process.kill()
            made.bench.journal.close()


def telling_inventory(url: str) -> Inventory:
    """The bench's inventory, with people who are told."""
    return inventory().model_copy(update={"notify": ways(url)})


def main(home: Path, what: str, slack: str) -> None:
    """Be the engine of one run."""
    made = bench_in(home, OtherBoot() if what.endswith("other-boot") else None)
    gate = step("gate", "bench.is", key="gate", deadline=Duration(600))
    steps = chain(step("one", "bench.fence"), gate)
    if what == "asks":
        steps = chain(approval("consent", deadline=Duration(600)), step("one", "bench.fence"))
    if what == "hangs":
        steps = (step("one", "bench.fence", hangs=True, deadline=Duration(600)),)
    if what == "failover":
        steps = failover_steps()
    if what == "resume":
        Engine.resume(made.events, ports_of(made, slack), by="tester").execute()
        return
    told = {"inventory": telling_inventory(slack)} if what.startswith("told") else {}
    made.execute(plan=plan_of(*steps, **told), ports=ports_of(made, slack))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
