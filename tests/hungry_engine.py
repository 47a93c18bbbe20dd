"""An engine one of whose steps takes all memory there is, before or after its effect."""

from __future__ import annotations

import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from engine_bench import ENTRIES, Bench, Promote, failover_steps, plan_of, world_of
from watched_runs import bench_in, ports_of

from drtool.action import Hands
from drtool.catalog import Catalog
from drtool.engine.ports import Ports
from drtool.model.change import Change
from drtool.model.plan import Plan

MUCH, STEP = 4 << 30, 8 << 20
ROOM = 256 << 20


class Hungry(Promote):
    """Promotes; before or after that it takes memory until there is none, if the world says so."""

    held: ClassVar[list[bytearray]] = []

    def apply(self, hands: Hands, changes: list[Change]) -> None:
        hungry = world_of(hands).get("hungry")
        if hungry == "before":
            self._eat()
        super().apply(hands, changes)
        if hungry == "after":
            self._eat()

    def _eat(self) -> None:
        try:
            for _ in range(MUCH // STEP):
                self.held.append(bytearray(b"x" * STEP))
        except MemoryError:
            self.held.clear()
            raise


def hungry_plan() -> Plan:
    """A failover whose promotion is hungry."""
    return plan_of(
        *(
            one.model_copy(update={"action": "bench.hungry"}) if one.name == "promote" else one
            for one in failover_steps()
        )
    )


def hungry_ports(bench: Bench) -> Ports:
    """The ports of a run that knows such a step."""
    return replace(ports_of(bench), entries=Catalog({**ENTRIES, "bench.hungry": Hungry}))


def main(home: Path, group: str) -> int:
    """Be the engine, in a group of processes that has little memory, or with a limit of its own."""
    made = bench_in(home)
    if group:
        (Path(group) / "cgroup.procs").write_text("0")
    else:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize() + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    return made.execute(plan=hungry_plan(), ports=hungry_ports(made)).exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
