"""Write a service's heartbeat until stopped: its newest row bounds what a failover loses."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from drtool.bootstrap import build
from drtool.connections.heartbeat import Heartbeat
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.errors import BadInput
from drtool.runbook.inventory import read_inventory
from drtool.runbook.marks import FaultList


def beat(path: Path, service: str) -> None:
    """Write heartbeats at whichever site has the primary, until SIGTERM or SIGINT.

    Raises Faults for a faulty inventory, BadInput for a service that is not in it.
    """
    app, faults = build(), FaultList()
    inventory = read_inventory(path, faults)
    faults.raise_any()
    if inventory is None:
        raise BadInput(str(path), "cannot be read")
    secrets = Secrets(app.redactor, path.parent.resolve())
    context = Context(inventory, secrets, app.clock, run="heartbeat")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Heartbeat(context, service, tell=_tell).run(stop)


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z {sentence}\n")
    sys.stderr.flush()
