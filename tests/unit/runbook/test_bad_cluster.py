"""Faults of Patroni clusters and PgBouncers in an inventory, and of steps that act on them."""

from __future__ import annotations

from pathlib import Path

import pytest
from good_documents import EAST_KEY, WEST_KEY, changed, write

from drtool.catalog import Catalog
from drtool.errors import Faults
from drtool.runbook.load import Loaded, load

INVENTORY = f"""\
version: 1
services:
  orders: {{preferred: east, lease: {{at: postgresql}}}}
sites:
  east:
    address: 192.0.2.1
    systems:
      orders_db:
        kind: patroni
        scope: orders
        system_identifier: "7412"
        boot_guard: true
        fence: [patroni, ssh, power]
        stop_command: [systemctl, disable, --now, patroni]
        members:
          pg1: {{host: east_pg1, url: "https://192.0.2.11:8008", data_directory: /srv/pg}}
          pg2: {{host: east_pg2, url: "https://192.0.2.12:8008", data_directory: /srv/pg}}
      pool: {{kind: pgbouncer, databases: [orders]}}
  west:
    address: 192.0.2.2
    systems:
      orders_db:
        kind: patroni
        scope: orders
        system_identifier: "7412"
        boot_guard: true
        fence: [patroni]
        members:
          pg3: {{host: west_pg3, url: "https://192.0.2.13:8008", data_directory: /srv/pg}}
hosts:
  east_pg1:
    site: east
    ssh: {{address: 192.0.2.11, user: postgres, host_key: "{EAST_KEY}"}}
    power: {{redfish: "https://192.0.2.101", system: "1", password: {{secret: "env:BMC"}}}}
  east_pg2:
    site: east
    ssh: {{address: 192.0.2.12, user: postgres, host_key: "{WEST_KEY}"}}
    power: {{redfish: "https://192.0.2.102", system: "1", password: {{secret: "env:BMC"}}}}
  west_pg3: {{site: west}}
roles:
  incident_commander: {{people: [oncall-primary]}}
"""
POOL = "{kind: pgbouncer, databases: [orders]}"
RUNBOOK = """\
version: 1
runbook: orders
inventory: inventory.yaml
service: orders
objectives: {rto: 5m, rpo: 10s, downtime: 2m}
waivers: {failback: "an example"}
procedures:
  failover:
    - {step: loss_now, check: postgresql.data_loss, at: to, max: "{{ objectives.rpo }}"}
    - {step: consent, approval: {of: incident_commander, budget: 1m}}
    - {step: fence, action: patroni.fence, at: from}
    - {step: promote, action: patroni.promote, at: to}
    - {step: one_leads, action: patroni.switchover, at: west, candidate: pg3}
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(inventory: list[tuple[str, str]], runbook: list[tuple[str, str]]) -> Loaded:
    write("orders.yaml", changed(RUNBOOK, runbook))
    write("inventory.yaml", changed(INVENTORY, inventory))
    return load(Path("orders.yaml"), None, Catalog.load(), {})


@pytest.mark.usefixtures("directory")
def test_the_good_one_is_clean() -> None:
    assert loaded([], []).warnings == ()


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("inventory", "told"),
    [
        (
            [("host: east_pg2", "host: east_pg1")],
            (
                "inventory.yaml:17:23: site east, system orders_db, member pg2: host east_pg1 is "
                "east.orders_db.pg1's too"
            ),
        ),
        (
            [("host: west_pg3", "host: west_pg4")],
            (
                "inventory.yaml:29:23: site west, system orders_db, member pg3: host west_pg4 is "
                "not under hosts\n  hint: did you mean west_pg3?"
            ),
        ),
        (
            [("host: west_pg3", "host: east_pg1")],
            (
                "inventory.yaml:29:23: site west, system orders_db, member pg3: host east_pg1 is "
                "of site east"
            ),
        ),
        (
            [("https://192.0.2.12:8008", "https://192.0.2.11:8008")],
            (
                "inventory.yaml:17:38: site east, system orders_db, member pg2: url "
                "https://192.0.2.11:8008 is pg1's too"
            ),
        ),
        (
            [("pg2: {host", "pg2: {name: pg1, host")],
            "inventory.yaml:17:23: site east, system orders_db, member pg2: name pg1 is pg1's too",
        ),
        (
            [("        stop_command: [systemctl, disable, --now, patroni]\n", "")],
            (
                "inventory.yaml:13:16: site east, system orders_db: fence by ssh, and no "
                "stop_command: Patroni would start it again"
            ),
        ),
        (
            [("fence: [patroni]", "fence: [patroni, power]")],
            (
                "inventory.yaml:27:26: site west, system orders_db, member pg3: fence by power, "
                "and host west_pg3 has no power"
            ),
        ),
        (
            [("fence: [patroni]", "fence: [patronictl]")],
            (
                "inventory.yaml:27:17: site west, system orders_db: an item of fence is "
                "'patronictl', expected patroni, ssh or power\n  hint: did you mean patroni?"
            ),
        ),
        (
            [("https://192.0.2.13:8008", "192.0.2.13:8008")],
            (
                "inventory.yaml:29:38: site west, system orders_db: url '192.0.2.13:8008' does not "
                "look right"
            ),
        ),
        (
            [("pg3: {host: west_pg3, ", "pg3: {")],
            "inventory.yaml:29:16: site west, system orders_db: host is missing",
        ),
        (
            [("databases: [orders]", "databases: []")],
            "inventory.yaml:18:42: site east, system pool: databases",
        ),
        (
            [("databases: [orders]", "databases: [orders], passwort: x")],
            (
                "inventory.yaml:18:52: site east, system pool: unknown key passwort\n"
                "  hint: did you mean password?"
            ),
        ),
        (
            [
                (
                    'scope: orders\n        system_identifier: "7412"',
                    ('scope: orders\n        system_identifier: "7413"'),
                )
            ],
            (
                "inventory.yaml:25:28: site west, system orders_db: system_identifier 7412 differs "
                "from 7413 at east"
            ),
        ),
    ],
)
def test_each_fault_has_its_place(inventory: list[tuple[str, str]], told: str) -> None:
    with pytest.raises(Faults) as found:
        loaded(inventory, [])
    assert any(line.startswith(told) for line in found.value.lines), found.value.text()


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("runbook", "told"),
    [
        (
            [("patroni.promote", "postgresql.promote")],
            (
                "orders.yaml:12:55: step promote: site east has no postgresql system, but "
                "orders_db of kind patroni\n  hint: actions on it begin with patroni: "
                "`drtool actions` lists them"
            ),
        ),
        (
            [("patroni.fence, at: from", "postgresql.fence, at: from.orders_db")],
            "orders.yaml:11:51: step fence: east.orders_db is of kind patroni, expected postgresql",
        ),
        (
            [("at: west, candidate: pg3", "at: west, candidate: pg3, leave: pg1")],
            "orders.yaml:13:8: step one_leads: wants candidate, or leave, and not both",
        ),
        (
            [
                ("patroni.switchover, at: west", "pgbouncer.pause, at: west"),
                (", candidate: pg3", ""),
            ],
            "orders.yaml:13:54: step one_leads: site west has no pgbouncer system, but orders_db",
        ),
        (
            [("candidate: pg3", "candidte: pg3")],
            "orders.yaml:13:63: step one_leads: unknown key candidte",
        ),
    ],
)
def test_a_step_on_the_wrong_kind_is_told(runbook: list[tuple[str, str]], told: str) -> None:
    with pytest.raises(Faults) as found:
        loaded([], runbook)
    assert any(line.startswith(told) for line in found.value.lines), found.value.text()


@pytest.mark.usefixtures("directory")
def test_an_arbiter_needs_a_database_of_either_kind() -> None:
    pools = "".join(
        f"  {site}: {{address: 192.0.2.{number}, systems: {{pool: {POOL}}}}}\n"
        for number, site in enumerate(("east", "west"), 1)
    )
    head, tail = INVENTORY.partition("sites:\n")[0], "roles: {incident_commander: {people: [me]}}\n"
    write("orders.yaml", RUNBOOK)
    write("inventory.yaml", f"{head}sites:\n{pools}{tail}")
    with pytest.raises(Faults) as found:
        load(Path("orders.yaml"), None, Catalog.load(), {})
    assert any("no site has a system of that kind" in line for line in found.value.lines)
