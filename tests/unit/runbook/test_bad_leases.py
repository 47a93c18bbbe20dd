"""What an inventory may say of leases: each fault gives its place, its reason and its fix."""

# ruff: noqa: E501, ISC004 - messages stand as they are told

from __future__ import annotations

import pytest
from good_documents import Lint, Load

LEASE = "lease: {at: postgresql}"
NS = "    ns_east: {site: east, address: 192.0.2.1}"
BOTH = (NS, f"{NS}\n    ns_west: {{site: west, address: 192.0.2.2}}")
TABLE = "dynamodb: {table: drtool, region: eu-west-1}"


@pytest.mark.parametrize(
    "lease",
    [
        "{at: file}",
        "{at: file, hosts: [east_db, west_db]}",
        "{at: dns}",
        "{at: postgresql, freeze: dns}",
        "{at: journal, freeze: file}",
        f"{{at: dynamodb, {TABLE}}}",
        f"{{at: postgresql, freeze: dynamodb, {TABLE}}}",
    ],
)
def test_good_leases(lint: Lint, lease: str) -> None:
    assert lint(inventory=[(LEASE, f"lease: {lease}"), BOTH]) == []


@pytest.mark.parametrize(
    ("lease", "told"),
    [
        (
            "{at: file, hosts: [east_db]}",
            "site west has 0 hosts of lease.hosts with ssh (none); one keeps the file",
        ),
        ("{at: file, hosts: [east_db, west_d]}", "lease.hosts: west_d is not under hosts"),
        ("{at: dns, hosts: [east_db]}", "lease.hosts is for file alone"),
        ("{at: dynamodb}", "which DynamoDB table is not said"),
        (f"{{at: dns, {TABLE}}}", "lease.dynamodb is given, and nothing is kept there"),
        (
            '{at: dynamodb, dynamodb: {table: t, region: r, key_id: {secret: "env:X"}}}',
            "lease.dynamodb has key_id and no secret_key",
        ),
        ("{at: postgresq}", "did you mean postgresql?"),
        ("{at: dns, freeze: postgresql}", "freeze"),
    ],
)
def test_faults_of_leases(lint: Lint, lease: str, told: str) -> None:
    found = lint(inventory=[(LEASE, f"lease: {lease}"), BOTH])
    assert any("inventory.yaml:" in one and told in one for one in found), found


def test_a_lease_at_dns_wants_a_server_at_each_site(lint: Lint) -> None:
    assert lint(inventory=[(LEASE, "lease: {at: dns}")]) == [
        "inventory.yaml:7:17: service orders: the lease is at dns, and site west has no dns server\n"
        "  hint: name one under dns.servers whose site is west, or lease: {at: file}"
    ]


def test_a_lease_where_files_are_tidied_up_is_warned_of(loading: Load) -> None:
    loaded = loading(inventory=[(LEASE, "lease: {at: file}")])
    told = [one for one in loaded.warnings if "tidy up" in one]
    assert len(told) == 2
    assert "host east_db keeps the lease of orders in /var/tmp/drtool" in told[0]
    assert "hosts.east_db.ssh.state_directory" in told[0]
