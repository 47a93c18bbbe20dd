"""Typed reads of a PostgreSQL server's host."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from drtool.connections.postgresql_host.report import read_report, read_tail
from drtool.connections.reach import Context, Reader
from drtool.connections.ssh import transport_to
from drtool.connections.ssh_transport import Ran, SshTransport
from drtool.errors import BadInput, StepFailed
from drtool.model.inventory import Postgresql
from drtool.model.lineage import Tail
from drtool.model.postgresql_host import HostState
from drtool.model.replication import position_text

LOOK_SECONDS = 5.0
TAIL_SECONDS = 120.0
TAIL_LISTED = 1000
_HERE = Path(__file__).parent


_PARTS = {"follow": "standby", "rewind": "standby", "rebuild": "standby"}


def script_argv(name: str, system: Postgresql, *words: str) -> list[str]:
    """The argument list that runs one of the scripts beside this file on a host."""
    parts = ("prelude", _PARTS[name], name) if name in _PARTS else ("prelude", name)
    text = "".join((_HERE / f"{part}.sh").read_text(encoding="utf-8") for part in parts)
    return ["sh", "-c", text, f"drtool-{name}", system.data_directory, system.bin_directory or "",
            *words]  # fmt: skip


class PostgresqlHostReader(Reader):
    """Reads of one server's host; a command each, nothing is changed."""

    def __init__(
        self, target: str, system: Postgresql, transport: SshTransport, context: Context
    ) -> None:
        self.target, self.system, self._transport = target, system, transport
        self.context = context

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Connect to the host of the system ``site.system``.

        Raises Unreachable when it does not answer in time, AccessDenied when it turns us away.
        """
        system = context.inventory.server(target)
        if system is None:
            raise BadInput(f"postgresql {target}", "not in the inventory")
        transport = transport_to(system.host, context)
        transport.connect()
        return cls(target, system, transport, context)

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def state(self, *, wal: bool = False, seconds: float = LOOK_SECONDS) -> HostState:
        """What is seen of the server; with ``wal`` also when WAL was last written."""
        return self._report("look", seconds, "wal" if wal else "")

    def tail(self, timeline: int, position: int, seconds: float = TAIL_SECONDS) -> Tail:
        """What the server's WAL of a timeline holds from a position on, and its history."""
        words = (str(timeline), position_text(position), str(TAIL_LISTED))
        ran = self._script("tail", seconds, *words)
        if ran.code != 0:
            raise StepFailed(f"host of {self.target}", f"ended with code {ran.code}: {ran.said()}")
        now = self.context.clock.wall().timestamp()
        return read_tail(self.target, timeline, position, ran.out, now)

    def _report(self, script: str, seconds: float, *words: str) -> HostState:
        """Run a script that ends with a report."""
        return self._reported(self._script(script, seconds, *words))

    def _reported(self, ran: Ran) -> HostState:
        """The report that a script ended with."""
        if ran.code != 0:
            raise StepFailed(f"host of {self.target}", f"ended with code {ran.code}: {ran.said()}")
        return read_report(self.target, self.system.data_directory, ran.out)

    def _script(self, script: str, seconds: float, *words: str, feed: str = "") -> Ran:
        """Run one of our scripts on the host."""
        argv = script_argv(script, self.system, *words)
        return self._run(argv, seconds, f"the script {script}", feed)

    def _run(self, argv: list[str], seconds: float, what: str, feed: str = "") -> Ran:
        return self._transport.run(argv, seconds, feed.encode(), what=what)
