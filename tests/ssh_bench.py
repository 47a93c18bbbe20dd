"""One host over SSH, and the means of a step that acts on it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ssh_host import SshHost

from drtool.action import Facts, Hands, Look
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.model.inventory import Inventory
from drtool.model.place import Direction, Place
from drtool.model.purpose import Mode, Procedure
from drtool.redact import Redactor


class SshBench:
    """One host, and the means of a step that acts on it."""

    def __init__(self, host: SshHost, directory: Path) -> None:
        self.host, self.directory = host, directory
        inventory = Inventory.model_validate({
            "version": 1, "services": {}, "sites": {"east": {"address": host.address}},
            "hosts": {"web": {"ssh": {
                "address": host.address, "port": host.port, "user": host.user,
                "host_key": host.host_key, "key_file": str(host.key_file),
                "state_directory": str(directory / "state"),
            }}},
        })  # fmt: skip
        self.connections = Connections(Context(inventory, Secrets(Redactor()), SystemClock()))
        self.facts = Facts(
            run="20261123-051401-7f3a", step="prepare", mode=Mode.LIVE,
            procedure=Procedure.FAILOVER, service="orders", inventory=inventory,
            direction=Direction(from_site="east"), at=Place(site="east", host="web"),
            started=datetime.now(UTC), seconds_left=10.0,
        )  # fmt: skip

    def hands(self, **changed: object) -> Hands:
        return Hands(self.connections, self.facts.model_copy(update=changed))

    def look(self, **changed: object) -> Look:
        return Look(self.connections, self.facts.model_copy(update=changed))
