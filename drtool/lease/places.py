"""The places that keep a service's lease as a record, for those who only look."""

from __future__ import annotations

from functools import partial

from drtool.connections.cell import Cell
from drtool.connections.dynamodb import DynamodbCell
from drtool.connections.reach import Context
from drtool.connections.ssh_cell import SshCell
from drtool.lease.dynamodb import table_of
from drtool.lease.file import host_of
from drtool.lease.freeze import Opener
from drtool.model.inventory import Inventory


def lease_places(service: str, context: Context) -> dict[str, Opener]:
    """By name, each host or the table; empty for arbiters of another kind."""
    inventory = context.inventory
    match inventory.services[service].lease.at:
        case "file":
            return {
                f"file at {site}": partial(_file_at, site, service, context)
                for site in inventory.sites
            }
        case "dynamodb":
            table = inventory.services[service].lease.dynamodb
            where = f"dynamodb {table.table} in {table.region}" if table else "dynamodb"
            return {where: partial(_item, service, context)}
        case _:
            return {}


def _file_at(site: str, service: str, context: Context) -> Cell:
    return SshCell.open(host_of(service, site, context.inventory), f"{service}.lease", context)


def _item(service: str, context: Context) -> Cell:
    return DynamodbCell.open(table_of(service, context.inventory), f"lease {service}", context)


def hosts_that_keep(service: str, inventory: Inventory) -> frozenset[str]:
    """The hosts that may keep the service's lease, or the flag that freezes it."""
    lease = inventory.services[service].lease
    if "file" not in {lease.at, lease.flag_at}:
        return frozenset()
    able = (name for site in inventory.sites for name in inventory.hosts_at(site))
    return frozenset(name for name in able if not lease.hosts or name in lease.hosts)
