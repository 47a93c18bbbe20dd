"""The arbiter that is an item of a DynamoDB table, written conditionally on its version.

DynamoDB has no clock that could be asked: who wants a lease watches the item, and only one that
does not change for as long as a lease lasts has run out. The token is the item's version when the
lease was taken.
"""

from __future__ import annotations

from drtool.connections.dynamodb import DynamodbCell
from drtool.connections.reach import Context
from drtool.errors import BadInput
from drtool.lease.keeper import Keeper, Span
from drtool.lease.kept import KeptLease, take_kept
from drtool.lease.lease import Claim
from drtool.model.inventory import DynamodbTable, Inventory

SPAN = Span(seconds=30.0, renew=5.0, margin=5.0, watched=True)


def take_dynamodb(
    service: str, context: Context, holder: str, run: str, *, by_force: bool = False
) -> KeptLease:
    """Take the lease of a service; raises LeaseHeld that names the holder."""
    cell = DynamodbCell.open(table_of(service, context.inventory), f"lease {service}", context)
    keeper = Keeper(service, cell, SPAN, context.clock)
    claim = Claim(service=service, holder=holder, run=run, by_force=by_force)
    return take_kept(claim, [keeper], context.clock)


def table_of(service: str, inventory: Inventory) -> DynamodbTable:
    """The table that the inventory names; raises BadInput when it names none."""
    found = inventory.services[service].lease.dynamodb
    if found is None:
        raise BadInput(
            f"lease of {service}",
            "the inventory names no DynamoDB table",
            hint=f"services.{service}.lease: "
            "{at: dynamodb, dynamodb: {table: drtool, region: eu-west-1}}",
        )
    return found
