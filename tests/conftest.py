"""Fixtures that several kinds of tests share; plugins lie beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

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
