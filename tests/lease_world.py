"""Two sites with an SSH host each, and a lease that is kept wherever a test wants it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ssh_host import SshHost

from drtool.action import Facts
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.purpose import Mode, Procedure
from drtool.redact import Redactor

ADDRESSES = {"east": "127.0.1.1", "west": "127.0.2.1"}


class LeaseWorld:
    """An inventory whose hosts are the test's own, and what a run knows in it."""

    def __init__(self, hosts: dict[str, SshHost], directory: Path) -> None:
        self.hosts, self.directory = hosts, directory

    def state(self, site: str) -> Path:
        """The state directory of a site's host."""
        return self.directory / f"state-{site}"

    def document(self, lease: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "version": 1,
            "services": {"orders": {"preferred": "east", "lease": lease}},
            "sites": {site: {"address": address} for site, address in ADDRESSES.items()},
            "hosts": {
                f"{site}_host": {
                    "site": site,
                    "ssh": {
                        "address": host.address,
                        "port": host.port,
                        "user": host.user,
                        "host_key": host.host_key,
                        "key_file": str(host.key_file),
                        "state_directory": str(self.state(site)),
                    },
                }
                for site, host in self.hosts.items()
            },
            **more,
        }

    def inventory(self, lease: dict[str, Any], **more: Any) -> Inventory:
        return Inventory.model_validate(self.document(lease, **more))

    def context(self, lease: dict[str, Any], clock: SystemClock | None = None) -> Context:
        return Context(self.inventory(lease), Secrets(Redactor()), clock or SystemClock())

    def connections(self, lease: dict[str, Any]) -> Connections:
        return Connections(self.context(lease))

    def facts(self, lease: dict[str, Any], run: str, procedure: Procedure) -> Facts:
        return Facts(
            run=run,
            mode=Mode.LIVE,
            procedure=procedure,
            service="orders",
            inventory=self.inventory(lease),
            direction=Direction(from_site="east", to_site="west"),
            started=datetime.now(UTC),
        )


@pytest.fixture
def lease_world(tmp_path: Path) -> Iterator[LeaseWorld]:
    hosts = {site: SshHost(tmp_path / site, address) for site, address in ADDRESSES.items()}
    for host in hosts.values():
        host.start()
    yield LeaseWorld(hosts, tmp_path)
    for host in hosts.values():
        host.stop()
