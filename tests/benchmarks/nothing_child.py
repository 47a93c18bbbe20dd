"""A process that runs a plan of steps that do nothing, and tells what one of them costs.

``nothing_child.py DIRECTORY STEPS [URL AUTH]``: through Prefect if a URL is given.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine_bench import Bench, chain, plan_of, step

from drtool.compiler.api import Api
from drtool.compiler.executor import PrefectExecutor
from drtool.engine.direct import DirectExecutor
from drtool.engine.ports import Limits
from drtool.journal.store import Journal
from drtool.model.event import Body, Event, StepEnded
from drtool.model.purpose import Mode
from drtool.redact import Redactor

WARM = 10


class Counting:
    """The journal, with its commits counted."""

    def __init__(self, journal: Journal) -> None:
        self.journal, self.commits = journal, 0

    def append(self, run: str, *bodies: Body) -> tuple[Event, ...]:
        self.commits += 1
        return self.journal.append(run, *bodies)

    def __getattr__(self, name: str) -> object:
        return getattr(self.journal, name)


def main() -> None:
    directory, steps = Path(sys.argv[1]), int(sys.argv[2])
    bench = Bench(directory, limits=Limits())
    journal = Counting(bench.journal)
    ports = replace(bench.ports(), journal=journal)  # type: ignore[arg-type] - the rest is handed on
    bench.run = bench.journal.new_run_id()
    plan = plan_of(*chain(*(step(f"step_{i}", "bench.nothing") for i in range(steps))))
    executor = DirectExecutor()
    if len(sys.argv) > 3:
        carrier = PrefectExecutor(
            Api(sys.argv[3], sys.argv[4]),
            Mode.LIVE,
            Redactor(),
            directory / "prefect.log",
            directory / "prefect",
        )
        carrier.start(plan, bench.run, lambda: None)
        carrier.wait_until_up(20)
        carrier.start = lambda *_: None  # type: ignore[method-assign] - it is up
        executor = carrier  # type: ignore[assignment]
    bench.engine(plan=plan, ports=replace(ports, executor=executor)).execute()
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
