"""A process that runs a plan of steps that do nothing, and tells what one of them costs.

``nothing_child.py DIRECTORY STEPS [URL AUTH]``: through Prefect if a URL is given.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine_bench import Bench, chain, plan_of, step

from drtool.compiler.api import Api
from drtool.compiler.executor import PrefectExecutor
from drtool.engine.direct import DirectExecutor
from drtool.engine.ports import Executor, Limits
from drtool.journal.store import Journal
from drtool.model.event import Body, Event, StepEnded
from drtool.model.plan import Plan
from drtool.model.purpose import Mode
from drtool.redact import Redactor

WARM = 10


class Counting(Journal):
    """A journal that counts its commits."""

    commits = 0

    def append(self, run: str, *bodies: Body, after: int | None = None) -> tuple[Event, ...]:
        self.commits += 1
        return super().append(run, *bodies, after=after)


class Up(PrefectExecutor):
    """Waits until Prefect has taken the run, so that every step is carried by it."""

    def start(self, plan: Plan, run: str, on_cancel: Callable[[], None]) -> None:
        super().start(plan, run, on_cancel)
        self.wait_until_up(20)


def carried_by(directory: Path) -> Executor:
    if len(sys.argv) < 5:
        return DirectExecutor()
    api = Api(sys.argv[3], sys.argv[4])
    return Up(api, Mode.LIVE, Redactor(), directory / "prefect.log", directory / "prefect")


def main() -> None:
    directory, steps = Path(sys.argv[1]), int(sys.argv[2])
    bench = Bench(directory, limits=Limits())
    bench.journal.close()
    journal = Counting.open(directory / "journal.db", bench.clock, bench.redactor)
    bench.journal, bench.run = journal, journal.new_run_id()
    plan = plan_of(*chain(*(step(f"step_{i}", "bench.nothing") for i in range(steps))))
    ports = replace(bench.ports(), executor=carried_by(directory))
    bench.engine(plan=plan, ports=ports).execute()
    ended = [each for each in bench.journal.events(bench.run) if isinstance(each.body, StepEnded)]
    vias = [each.body.via.value for each in ended if isinstance(each.body, StepEnded)]
    took = ended[-1].at.monotonic - ended[WARM - 1].at.monotonic
    told = {
        "run": bench.run,
        "ms": took / (steps - WARM) * 1000,
        "commits": journal.commits / steps,
        "vias": {via: vias.count(via) for via in set(vias)},
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
