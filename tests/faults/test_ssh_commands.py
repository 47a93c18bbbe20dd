"""Commands over SSH whose traces lie, on a real SSH server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_record import Fault
from ssh_bench import SshBench
from ssh_host import SshHost

from drtool.actions.ssh import Run

pytestmark = pytest.mark.faults


@pytest.fixture
def bench(any_ssh_host: SshHost, tmp_path: Path) -> Iterator[SshBench]:
    made = SshBench(any_ssh_host, tmp_path)
    yield made
    made.connections.close()


def test_l19_an_exit_file_left_by_another_run_is_not_believed(
    bench: SshBench, fault: Fault
) -> None:
    command = Run(argv=("true",))
    command.run(bench.hands(run="20261122-000000-0000"))
    state = bench.directory / "state"
    own = state / f"{bench.facts.run}.{bench.facts.step}"
    (state / f"20261122-000000-0000.{bench.facts.step}").rename(own)
    assert (own / "exit.1").exists()
    fault.injected("an exit file of another run lies where this step's own would")
    assert command.find(bench.look()) is None
