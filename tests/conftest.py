"""Fixtures that several kinds of tests share; plugins lie beside this file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from covered import unmeasured

pytest_plugins = [
    "dns_pair",
    "fault_record",
    "effects",
    "lab_runs",
    "postgresql_pair",
    "prefect_server",
    "slack_standin",
    "ssh_host",
    "dynamodb_table",  # uses postgresql_pair
    "lease_world",  # uses ssh_host
    "patroni_sites",  # uses ssh_host
    "power_controller",  # uses ssh_host
    "sshd_host",  # uses ssh_host
]

settings.register_profile("house", deadline=None)  # no test asserts a time
settings.load_profile("house")
_AT_FULL_SPEED = {"acceptance", "faults"}


@pytest.fixture(scope="module", autouse=True)
def _measured_elsewhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """Stories and faults go at full speed: what they run is measured in other tests."""
    if request.path.parent.name not in _AT_FULL_SPEED:
        yield
        return
    with unmeasured():
        yield
