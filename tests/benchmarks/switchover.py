"""A planned switchover in the lab beside those that people write by hand, ten of each in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.lab_world import HERE, OTHER, Customer, Driven, LabWorld
from benchmarks.rows import Row, against, rounds, within
from benchmarks.step_cost import bare_prefect

from drtool.compiler.api import Api
from drtool.model.event import StepIntent, StepStarted, Via

PAIRS = int(os.environ.get("PAIRS", "10"))
RIVALS, BIN = HERE / "rivals", Path(sys.executable).parent
# rivals at their best: nothing is asked of the network, nothing more is logged than need be
QUIET = {
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "ANSIBLE_LOCALHOST_WARNING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
}


def bench() -> list[Row]:
    with LabWorld() as world:
        for _ in OTHER:  # there and back, so that each site has followed the other once
            world.drive("switchover", "--engine", "direct")
            world.settle()
        customer = Customer(world)
        try:
            return Contest(world, customer).rows()
        finally:
            customer.close()


class Contest:
    """Runs all contenders in turns."""

    def __init__(self, world: LabWorld, customer: Customer) -> None:
        self.world, self.customer = world, customer
        self.downtime: dict[str, list[float]] = defaultdict(list)
        self.prompt: dict[str, list[float]] = defaultdict(list)
        self.effect: dict[str, list[float]] = defaultdict(list)
        self.first_task: list[float] = []
        self.not_through_prefect = 0

    def rows(self) -> list[Row]:
        for _ in rounds(PAIRS):
            self.script("plain", ["bash", str(RIVALS / "plain.sh")])
            self.ours("direct")
            self.script("tuned", ["bash", str(RIVALS / "tuned.sh")])
            self.ours("prefect")
            self.script("Ansible", self.playbook())
            self.script("Chaos Toolkit", self.experiment())
            self.script("bare Prefect flow", [sys.executable, str(RIVALS / "prefect_flow.py")])
            self.bare_script()
        return [*self.downtimes(), *self.promptness()]

    def ours(self, engine: str) -> None:
        driven = self.world.drive("switchover", "--engine", engine)
        self.downtime[engine].append(self.customer.downtime(driven.started))
        self.world.settle()
        self.prompt[engine].append(driven.prompted - driven.started)
        self.effect[engine].append(first_effect(driven) - driven.typed)
        if engine == "prefect":
            self.not_through_prefect += ran_directly(driven)

    def script(self, name: str, command: list[str]) -> None:
        source = self.world.primary()
        self.world.warm(source)
        environment = {**self.world.script_environment(source), **QUIET}
        started = time.monotonic()
        done = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        self.downtime[name].append(self.customer.downtime(started))
        self.world.warm(source)
        self.world.follow(source)

    def playbook(self) -> list[str]:
        source = self.world.primary()
        known = self.world.script_environment(source)
        words = {
            "from": known["FROM"],
            "to": known["TO"],
            "from_bin": known["FROM_BIN"],
            "from_data": known["FROM_DATA"],
            "pg_port": known["PG_PORT"],
            "dns_port": known["DNS_PORT"],
            "record": known["NAME"],
            "tsig": known["TSIG"],
        }
        inventory = Path(known["TSIG"]).with_name("ansible.ini")
        inventory.write_text(
            f"[from]\nfrom_host ansible_host=warm ansible_ssh_pipelining=true"
            f" ansible_python_interpreter={sys.executable}"
            f" ansible_ssh_common_args='-o ControlPath={known['FROM_SOCKET']}'\n"
        )
        extra = [part for key, value in words.items() for part in ("-e", f"{key}={value}")]
        return [
            str(BIN / "ansible-playbook"),
            "-i",
            str(inventory),
            str(RIVALS / "ansible.yml"),
            *extra,
        ]

    def experiment(self) -> list[str]:
        journal = Path(self.world.environment["DRTOOL_HOME"]).with_name("chaos.json")
        said = [
            "--no-version-check",
            "--log-file-level",
            "error",
            "--log-file",
            str(journal.with_suffix(".log")),
        ]
        file = str(RIVALS / "chaos.json")
        return [str(BIN / "chaos"), *said, "run", "--journal-path", str(journal), file]

    def bare_script(self) -> None:
        environment = self.world.environment
        api = Api(environment["PREFECT_API_URL"], environment["PREFECT_API_AUTH_STRING"])
        with tempfile.TemporaryDirectory() as home:
            self.first_task.append(bare_prefect(Path(home), api, 11)["first"])

    def downtimes(self) -> list[Row]:
        plain = statistics.median(self.downtime["plain"])
        rows = [
            against(
                f"switchover, downtime a writer sees, {engine}",
                statistics.median(self.downtime[engine]),
                plain,
                1.0,
                unit="s",
                note="a plain script over warm SSH",
            )
            for engine in ("direct", "prefect")
        ]
        return rows + [
            against(f"switchover, downtime, {name}", statistics.median(seen), plain, None, unit="s")
            for name, seen in self.downtime.items()
            if name not in {"plain", "direct", "prefect"}
        ]

    def promptness(self) -> list[Row]:
        bare = statistics.median(self.first_task)
        bars = {"direct": 1.0, "prefect": bare + 0.5}
        return [
            *(
                within(
                    f"consent typed to first effect, {engine}",
                    statistics.median(seen),
                    0.3,
                    unit="s",
                )
                for engine, seen in self.effect.items()
            ),
            *(
                within(
                    f"process start to consent prompt, {engine}",
                    statistics.median(seen),
                    bars[engine],
                    bare if engine == "prefect" else None,
                    unit="s",
                )
                for engine, seen in self.prompt.items()
            ),
            within(
                "switchover steps that Prefect did not start in time",
                self.not_through_prefect,
                0,
                unit="",
            ),
        ]


def first_effect(driven: Driven) -> float:
    """When the first change was about to be made: its intent was written."""
    return next((e.at.monotonic for e in driven.events if isinstance(e.body, StepIntent)), 0.0)


def ran_directly(driven: Driven) -> int:
    started = [e.body for e in driven.events if isinstance(e.body, StepStarted)]
    return sum(body.via is Via.DIRECT for body in started)
