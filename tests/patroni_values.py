"""Patroni clusters as values, for tests that touch no network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drtool.model.inventory import Inventory
from drtool.model.patroni import Cluster, Following, Listed, Node, Settings, Word
from drtool.model.replication import Receiver, Replication

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WEST = Following(host="192.0.2.3", port="5432")


def inventory(**changed: Any) -> Inventory:
    """East has two members, west one; ``changed`` are fields of both clusters."""
    members = {"east": {"pg1": "192.0.2.1", "pg2": "192.0.2.2"}, "west": {"pg3": "192.0.2.3"}}
    cluster = {
        "kind": "patroni",
        "scope": "orders",
        "system_identifier": "7412",
        "fence": ["patroni", "ssh"],
        "stop_command": ["systemctl", "disable", "--now", "patroni"],
        "rest": {"password": {"secret": "env:REST"}},
        **changed,
    }
    return Inventory.model_validate({
        "version": 1,
        "services": {"orders": {"preferred": "east"}},
        "sites": {
            site: {
                "address": f"198.51.100.{len(names)}",
                "systems": {
                    "orders_db": {
                        **cluster,
                        "members": {
                            name: {
                                "host": name, "url": f"http://{address}:8008",
                                "data_directory": "/srv/pg",
                            }
                            for name, address in names.items()
                        },
                    },
                    "pool": {"kind": "pgbouncer", "databases": ["orders"]},
                },
            }
            for site, names in members.items()
        },
        "hosts": {
            name: {
                "ssh": {
                    "address": address, "user": "postgres",
                    "host_key": "ssh-ed25519 "
                    "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g",
                }
            }
            for names in members.values()
            for name, address in names.items()
        },
    })  # fmt: skip


def node(name: str, role: str = "replica", **changed: Any) -> Node:
    """A member in order; what leads does not stream, unless it follows another cluster."""
    leads = role in {"primary", "standby_leader"}
    given: dict[str, Any] = {
        "name": name, "called": name, "role": role, "state": "running",
        "replication": "" if role == "primary" else "streaming", "system_identifier": "7412",
        "listed": Listed(called=name, leads=leads, state="running", lag_bytes=None if leads else 0),
        **changed,
    }  # fmt: skip
    return Node(**given)


def cluster(*nodes: Node, place: str = "east.orders_db", **changed: Any) -> Cluster:
    """A primary cluster of two in order."""
    given: dict[str, Any] = {
        "place": place, "at": NOW, "settings": Settings(),
        "nodes": nodes or (node("pg1", "primary"), node("pg2")), **changed,
    }  # fmt: skip
    return Cluster(**given)


def standby_cluster(place: str = "west.orders_db", **changed: Any) -> Cluster:
    """A standby cluster of one in order."""
    following = Following(host="192.0.2.1,192.0.2.2", port="5432")
    given: dict[str, Any] = {"settings": Settings(following=following), **changed}
    return cluster(node("pg3", "standby_leader"), place=place, **given)


def server(place: str, *, standby: bool = True, **changed: Any) -> Replication:
    """A PostgreSQL server in order."""
    given: dict[str, Any] = {
        "place": place, "in_recovery": standby, "read_only": standby,
        "system_identifier": "7412", "timeline": 1, "server_version": 170000, "now": NOW,
        "started_at": NOW, "receiver": Receiver(status="streaming") if standby else None,
        "received": 900 if standby else None, "replayed": 900 if standby else None,
        "current": None if standby else 900, **changed,
    }  # fmt: skip
    return Replication(**given)


def word(name: str, *, standby: bool = True, **changed: Any) -> Word:
    """A member's server."""
    place = f"east.orders_db.{name}"
    return Word(place=place, replication=server(place, standby=standby, **changed))
