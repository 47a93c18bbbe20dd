"""A good runbook and a good inventory, from which tests make bad ones."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

from drtool.runbook.load import Loaded

EAST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
WEST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9A"
INVENTORY = f"""\
version: 1
services:
  orders:
    endpoint: orders.test
    url: "http://orders.test:8080"
    preferred: east
    lease: {{at: postgresql}}
sites:
  east:
    address: 192.0.2.1
    systems:
      orders_db: {{kind: postgresql, host: east_db, data_directory: /srv/pg, boot_guard: true,
                  system_identifier: "7412", fence: [ssh, power]}}
  west:
    address: 192.0.2.2
    systems:
      orders_db: {{kind: postgresql, host: west_db, data_directory: /srv/pg, boot_guard: true,
                  system_identifier: "7412", fence: [ssh]}}
hosts:
  east_db:
    ssh: {{address: 192.0.2.1, user: postgres, host_key: "{EAST_KEY}"}}
    power: {{redfish: "https://192.0.2.101", system: "1", password: {{secret: "env:BMC"}}}}
  west_db:
    ssh: {{address: 192.0.2.2, user: postgres, host_key: "{WEST_KEY}"}}
dns:
  zone: test
  key: {{secret: "file:tsig"}}
  servers:
    ns_east: {{site: east, address: 192.0.2.1}}
roles:
  incident_commander: {{people: [oncall-primary], deputies: [oncall-secondary]}}
"""
RUNBOOK = """\
version: 1
runbook: orders
strategy: hot-standby
inventory: inventory.yaml
service: orders
objectives: {rto: 5m, rpo: 10s, downtime: 1m}
blocks:
  move_clients:
    - {step: redirect, action: dns.redirect, budget: 10s}
    - {step: answers, check: http.answers, passes: 3}
procedures:
  failover:
    - {step: loss_now, check: postgresql.data_loss, at: to, max: "{{ objectives.rpo }}"}
    - {step: consent, approval: {of: incident_commander, budget: 1m, otherwise: abort}}
    - {step: fence, action: postgresql.fence, at: from, budget: 20s, deadline: 60s}
    - {step: promote, action: postgresql.promote, at: to}
    - use: move_clients
  switchover:
    - {step: in_step, check: postgresql.data_loss, at: to, max: 0s}
    - {step: demote, action: postgresql.demote, at: from}
    - {step: promote, action: postgresql.promote, at: to}
    - use: move_clients
    - {step: follow, action: postgresql.reprotect, at: from}
  reprotect:
    - {step: reinstate, action: postgresql.reprotect, at: from}
    - {step: caught_up, check: postgresql.data_loss, at: from, max: 0s, deadline: 2h}
  failback: {switchover: to_preferred}
"""
Change = tuple[str, str]
Lint = Callable[..., list[str]]
Load = Callable[..., Loaded]


def changed(text: str, changes: list[Change]) -> str:
    for old, new in changes:
        assert text.count(old) >= 1, f"{old!r} is not in the document"
        text = text.replace(old, new, 1)
    return text


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path
