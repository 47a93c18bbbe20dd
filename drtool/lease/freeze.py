"""A flag beside the arbiter: while it stands, nobody starts anything on the service.

It is kept at every site, so that whichever site is left can be asked. It holds wherever it is
read; a place that does not answer is named and stops nobody, for a flag must not cost a recovery.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from drtool.connections.cell import Cell
from drtool.connections.dns.cell import DnsCell
from drtool.connections.dynamodb import DynamodbCell
from drtool.connections.reach import Context
from drtool.connections.ssh_cell import SshCell
from drtool.errors import BadInput, DrtoolError, StepFailed
from drtool.lease.dynamodb import table_of
from drtool.lease.file import host_of
from drtool.lease.freeze_record import LABEL, Freeze, is_ours, parse_freeze
from drtool.model.inventory import Inventory
from drtool.model.value import Value

_TRIES = 3

Opener = Callable[[], Cell]


class Flag(Value):
    """What one place says of a freeze; ``trouble`` is why it says nothing."""

    where: str
    freeze: Freeze | None = None
    trouble: str = ""


def places(service: str, context: Context) -> dict[str, Opener]:
    """The places that keep a service's flag, by name; raises BadInput where nothing can."""
    inventory = context.inventory
    match inventory.services[service].lease.flag_at:
        case "dns":
            return {
                f"dns {name}": partial(DnsCell.open, name, f"{LABEL}.{service}", context)
                for name in (inventory.dns.servers if inventory.dns else {})
            }
        case "file":
            return {
                f"file at {site}": partial(_file_at, site, service, context)
                for site in inventory.sites
            }
        case "dynamodb":
            table = table_of(service, inventory)
            opened = partial(DynamodbCell.open, table, f"freeze {service}", context)
            return {f"dynamodb {table.table} in {table.region}": opened}
        case _:
            raise nowhere(service, inventory)


def flag_places(service: str, context: Context) -> dict[str, Opener]:
    """As ``places``; empty where nothing can keep a flag."""
    known = context.inventory.services.get(service)
    return {} if known is None or known.lease.flag_at is None else places(service, context)


def _file_at(site: str, service: str, context: Context) -> Cell:
    host = host_of(service, site, context.inventory)
    return SshCell.open(host, f"{service}.freeze", context)


def nowhere(service: str, inventory: Inventory) -> BadInput:
    """Why a service cannot be frozen whose lease is where no flag can be."""
    at = inventory.services[service].lease.at
    why = {
        "postgresql": "a hot standby takes no writes, so that its server cannot keep a flag",
        "journal": "this machine's journal is seen by nobody else",
    }
    return BadInput(
        f"service {service}",
        f"its lease is at {at}: {why.get(at, 'nothing there can keep a flag')}",
        "a place for the flag beside it: dns, file or dynamodb",
        f"services.{service}.lease: {{at: {at}, freeze: dns}}",
    )


def read_flag(where: str, opened: Opener) -> Flag:
    """What one place says."""
    try:
        cell = opened()
        try:
            values = cell.read().values
        finally:
            cell.close()
    except DrtoolError as error:
        return Flag(where=where, trouble=error.line())
    return Flag(where=where, freeze=parse_freeze(values))


def frozen(flags: Sequence[Flag], now: datetime) -> Flag | None:
    """The flag that holds; of several, that which holds longest."""
    held = [flag for flag in flags if flag.freeze is not None and flag.freeze.holds(now)]
    return max(held, key=_how_long, default=None)


def _how_long(flag: Flag) -> tuple[bool, datetime]:
    assert flag.freeze is not None  # noqa: S101 - only those that hold are compared
    return flag.freeze.until is None, flag.freeze.until or flag.freeze.since


def write_flag(where: str, opened: Opener, new: str) -> Flag:
    """Have one place say ``new``; what it says afterwards."""
    try:
        cell = opened()
        try:
            _put(cell, new)
        finally:
            cell.close()
    except DrtoolError as error:
        return Flag(where=where, trouble=error.line())
    return Flag(where=where, freeze=parse_freeze((new,)))


def _put(cell: Cell, new: str) -> None:
    for _ in range(_TRIES):
        kept = cell.read()
        if not is_ours(kept.values):
            found = f"what is there is no freeze: {kept.values}"
            raise StepFailed(cell.where, found, hint="see who wrote it, and delete it")
        if kept.values == (new,) or cell.exchange(kept, new):
            return
    raise StepFailed(cell.where, "somebody else changes the flag all the time")
