"""A world in which everything is fit, from which tests make unfit ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from good_documents import INVENTORY

from drtool.connections.dns import Answer
from drtool.connections.http import Reply
from drtool.connections.postgresql.readiness import Readiness, Slot
from drtool.connections.redfish import PowerState
from drtool.connections.ssh_vitals import Space, Vitals
from drtool.model.inventory import Inventory
from drtool.model.postgresql_host import Control, HostState
from drtool.model.replication import Heartbeat, Receiver, Replication, Sender
from drtool.units import Duration
from drtool.verbs.doctor.finding import Finding, State
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.seen import Controller, NameServer, Seen, Server

NOW = datetime(2026, 11, 23, 5, 14, tzinfo=UTC)
EAST, WEST = "east.orders_db", "west.orders_db"
Judge = Callable[[Scope, Seen], Any]


def scope(change: Callable[[dict[str, Any]], None] | None = None, **others: Any) -> Scope:
    document = yaml.safe_load(INVENTORY)
    document["services"]["orders"]["heartbeat"] = "1s"
    if change:
        change(document)
    told = {"runbook": "orders.yaml", "inventory_path": "inventory.yaml", "rpo": Duration(10)}
    return Scope(Inventory.model_validate(document), **{**told, **others})


def replication(place: str, **changed: Any) -> Replication:
    primary = place == EAST
    told: dict[str, Any] = {
        "place": place,
        "in_recovery": not primary,
        "read_only": not primary,
        "system_identifier": "7412",
        "timeline": 1,
        "current" if primary else "received": 5000,
        "heartbeat": Heartbeat(written_at=NOW - timedelta(seconds=0.5)),
        "server_version": 170010,
        "started_at": NOW - timedelta(days=9),
        "now": NOW,
    }
    if not primary:
        told["receiver"] = Receiver(status="streaming", sender_host="192.0.2.1", timeline=1)
    return Replication.model_validate({**told, **changed})


def readiness(place: str, **changed: Any) -> Readiness:
    settings = {
        "data_checksums": "on",
        "wal_log_hints": "off",
        "full_page_writes": "on",
        "wal_level": "replica",
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        "max_slot_wal_keep_size": "10240",
    }
    slots = (Slot(name="drtool", active=True, lost=False, kept_bytes=0),) if place == EAST else ()
    told = {"place": place, "user": "drtool", "follower": "replicator", "slots": slots}
    settings.update(changed.pop("settings", {}))
    return Readiness.model_validate({**told, "settings": settings, **changed})


def server(place: str, **changed: Any) -> Server:
    sender = Sender(application_name="west", state="streaming", sync_state="async")
    made = Server(
        replication(place),
        readiness(place),
        ahead_seconds=0.002,
        senders=(sender,) if place == EAST else (),
    )
    return replace(made, **changed)


def data(place: str, **changed: Any) -> HostState:
    control = Control(
        system_identifier="7412", state="in production", checkpoint=1, redo=1, timeline=1
    )
    told = {"place": place, "data_directory": "/srv/pg", "directory": "/srv/pg", "mode": "700"}
    return HostState.model_validate({**told, "control": control, **changed})


def vitals(**changed: Any) -> Vitals:
    space = Space(path="/srv/pg", free_bytes=500_000_000_000, total_bytes=1_000_000_000_000)
    told = {"command_seconds": 0.012, "network_seconds": 0.002, "ahead_seconds": 0.001}
    return Vitals.model_validate({**told, "spaces": (space,), **changed})


def controller(**changed: Any) -> Controller:
    state = {"system": "1", "power": "On", "restore_policy": "LastState"}
    ends = changed.pop("certificate_ends", NOW + timedelta(days=90))
    return Controller(PowerState.model_validate({**state, **changed}), ends)


def name_server(*values: str, ttl: float = 5, **changed: Any) -> NameServer:
    answer = Answer(name="orders.test", values=values or ("192.0.2.1",), ttl=Duration(ttl))
    return replace(NameServer(7, {"orders": answer}, ahead_seconds=0.0), **changed)


def seen(**changed: Any) -> Seen:
    page = Reply(method="GET", url="http://orders.test:8080", address="192.0.2.1", status=200)
    made = Seen(
        at=NOW,
        hosts={"east_db": vitals(), "west_db": vitals()},
        data={EAST: data(EAST), WEST: data(WEST)},
        servers={EAST: server(EAST), WEST: server(WEST)},
        controllers={"east_db": controller()},
        name_servers={"ns_east": name_server()},
        pages={"orders": page},
    )
    return replace(made, **changed)


def with_server(place: str, **changed: Any) -> Seen:
    """Seen, one server otherwise; the fields of ``Replication`` may be given directly."""
    own = {key: changed.pop(key) for key in list(changed) if key in Replication.model_fields}
    whole = seen()
    made = server(place, replication=replication(place, **own), **changed)
    return replace(whole, servers={**whole.servers, place: made})


def unfit(found: Any) -> list[Finding]:
    """The warnings and problems; that each has its cure is a rule of ``Finding`` itself."""
    return [one for one in found if one.state is not State.OK]


def only(found: Any) -> Finding:
    """The only thing that is not well."""
    told = unfit(found)
    assert len(told) == 1, told
    return told[0]
