"""Start the process that carries a run through Prefect, and end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drtool.compiler.api import Api
from drtool.compiler.settings import environment
from drtool.process import identity, inherited


@dataclass(frozen=True, slots=True)
class Spawned:
    """A vehicle that waits for its first message; ``inward`` and ``outward`` are descriptors."""

    pid: int
    identity: str
    inward: int
    outward: int

    def forget(self) -> None:
        """Close our ends of the pipes; the vehicle leaves when nobody holds them any more."""
        for descriptor in (self.inward, self.outward):
            with suppress(OSError):
                os.close(descriptor)

    def kill(self) -> None:
        """End the process, whatever it does, and leave no zombie if it is our child."""
        if identity(self.pid) == self.identity:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def spawn(api: Api, log: Path, prefect_home: Path | None = None) -> Spawned:
    """Start a vehicle for that API; its log gets whatever it prints."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    vehicle_reads, we_write = os.pipe()
    we_read, vehicle_writes = os.pipe()
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "drtool.compiler.vehicle"],
            env={**inherited(os.environ), **environment(api, log, prefect_home)},
            stdin=vehicle_reads,
            stdout=vehicle_writes,
            stderr=errors,
        )
    os.close(vehicle_reads)
    os.close(vehicle_writes)
    process.returncode = 0  # nobody waits for it but ``kill``
    return Spawned(process.pid, identity(process.pid), we_write, we_read)
