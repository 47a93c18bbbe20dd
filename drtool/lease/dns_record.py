"""What the record of a lease says, in DNS as elsewhere.

One string of at most 255 bytes, in the presentation format of RFC 1035::

    "drtool-lease 1 token=7 expires=20261123T051501Z run=20261123-051401-7f3a holder=ann@desk"

A lease that is free keeps its token: ``"drtool-lease 1 token=7 free"``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from drtool.model.value import Value

LABEL = "_drtool-lease"
_MAGIC = "drtool-lease 1"
_TIME = "%Y%m%dT%H%M%SZ"
_FREE = re.compile(rf'"{_MAGIC} token=(\d+) free"')
_TAKEN = re.compile(rf'"{_MAGIC} token=(\d+) expires=(\d{{8}}T\d{{6}}Z) run=(\S+) holder=([^"]*)"')
_PLAIN = re.compile(r"[^ !#-\[\]-~]")  # printable, without quote and backslash
_LONGEST_HOLDER = 120


class LeaseRecord(Value):
    """A lease as a server holds it; ``run`` is empty when it is free."""

    token: int = 0
    run: str = ""
    holder: str = ""
    expires: datetime | None = None

    def same_hold_as(self, other: LeaseRecord) -> bool:
        """Whether both are of one run's hold of the lease; the expiry may differ."""
        return (self.run, self.token) == (other.run, other.token)

    def text(self) -> str:
        """The record's value in presentation format."""
        if not self.run or self.expires is None:
            return f'"{_MAGIC} token={self.token} free"'
        holder = _PLAIN.sub("?", self.holder)[:_LONGEST_HOLDER]
        return (
            f'"{_MAGIC} token={self.token} expires={self.expires.astimezone(UTC):{_TIME}}'
            f' run={self.run} holder={holder}"'
        )


def lease_name(service: str, zone: str) -> str:
    """The name of a service's lease."""
    return f"{LABEL}.{service}.{zone}"


def parse(values: tuple[str, ...]) -> LeaseRecord | None:
    """What a server's values say: free where there are none, None for what is no lease."""
    if not values:
        return LeaseRecord()
    if len(values) > 1:
        return None
    if free := _FREE.fullmatch(values[0]):
        return LeaseRecord(token=int(free[1]))
    if not (taken := _TAKEN.fullmatch(values[0])):
        return None
    return LeaseRecord(
        token=int(taken[1]),
        expires=datetime.strptime(taken[2], _TIME).replace(tzinfo=UTC),
        run=taken[3],
        holder=taken[4],
    )
