"""A process that holds a lease and acts when it is told to; run by tests as a program.

``lease_holder.py INVENTORY.json KIND RUN SPAN.json``: takes the lease, says ``held TOKEN`` and then
obeys lines: ``act PATH`` checks the lease and makes a file on host east over SSH, ``late PATH``
only sends the command, as one that was on its way already.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from drtool.action import Facts
from drtool.clock import SystemClock
from drtool.connections.postgresql import wire
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.connections.ssh import SshHands
from drtool.connections.token_guard import TokenGuard
from drtool.errors import DrtoolError
from drtool.journal.store import Journal
from drtool.lease import dns, dynamodb, file
from drtool.lease.arbiter import take
from drtool.lease.keeper import Span
from drtool.lease.lease import Lease
from drtool.lease.whereabouts import marks
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.purpose import Mode, Procedure
from drtool.redact import Redactor

SHORT = {"seconds": 8.0, "renew": 0.5, "margin": 2.0}
KEEPALIVE = {"tcp_keepalives_idle": "1", "tcp_keepalives_interval": "1", "tcp_user_timeout": "2000"}


def shorten(change: Callable[[object, str, object], None] = setattr) -> None:
    """Make leases run out after seconds, and dead peers be noticed after three."""
    for module in (dns, dynamodb, file):
        span = cast("Span", module.SPAN)
        change(module, "SPAN", span.model_copy(update=SHORT))
    change(wire, "_SETTINGS", {**wire._SETTINGS, **KEEPALIVE})


def take_it(
    inventory: Inventory, home: Path, run: str, holder: str, *, by_force: bool = False
) -> tuple[Lease, Context]:
    """The lease for a failover to west, and the means behind the hosts' guard."""
    context = Context(inventory, Secrets(Redactor()), SystemClock(), run=run)
    facts = Facts(
        run=run,
        mode=Mode.LIVE,
        procedure=Procedure.FAILOVER,
        service="orders",
        inventory=inventory,
        direction=Direction(from_site="east", to_site="west"),
        started=datetime.now(UTC),
    )
    with closing(Journal.open(home / "journal.sqlite", SystemClock(), Redactor())) as journal:
        lease = take("orders", facts, Connections(context), journal, holder, by_force=by_force)
    context.guard = TokenGuard("orders", lambda: marks(lease, facts))
    return lease, context


class Holder:
    """The process, as its parent has it."""

    def __init__(self, inventory: Inventory, directory: Path, run: str) -> None:
        document = directory / f"{run}.json"
        document.write_text(inventory.model_dump_json())
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(document), str(directory / run), run],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        head, _, self.token = self.says().partition(" ")
        assert head == "held"

    def says(self) -> str:
        return cast("IO[str]", self._process.stdout).readline().strip()

    def told(self, line: str) -> str:
        """What it makes of an order."""
        said = cast("IO[str]", self._process.stdin)
        said.write(f"{line}\n")
        said.flush()
        return self.says()

    def freeze(self) -> str:
        """Stop it, and see that it is; what was seen."""
        self._process.send_signal(signal.SIGSTOP)
        status = Path(f"/proc/{self._process.pid}/status")
        while "(stopped)" not in status.read_text():
            pass
        return f"process {self._process.pid} is stopped, its kernel still answers for it"

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.communicate()


def _main(document: str, home: str, run: str) -> None:
    shorten()
    inventory = Inventory.model_validate_json(Path(document).read_text())
    lease, context = take_it(inventory, Path(home), run, f"holder@{run[-4:]}")
    print("held", lease.token, flush=True)
    host = SshHands.open("east_host", context)
    for line in sys.stdin:
        how, _, path = line.strip().partition(" ")
        try:
            if how == "act":
                lease.check()
            ran = host.run(["touch", path], 10)
            print(json.dumps(f"ended {ran.code}"), flush=True)
        except DrtoolError as error:
            print(json.dumps(error.line()), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
