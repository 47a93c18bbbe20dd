"""Hand a lease from one run to the next of the same engine, without ever letting it go."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol, runtime_checkable

from drtool.errors import DrtoolError
from drtool.lease.lease import Lease
from drtool.lease.pair import PairLease


@runtime_checkable
class Borne(Protocol):
    """A lease whose arbiter can be told that another run bears it."""

    def bear(self, run: str) -> None:
        """Name another run as its bearer."""


def handed_over(lease: Lease, run: str) -> Lease:
    """The same right, with the same token, for the run that takes over.

    Of a pair the one at ``to`` is kept and the one at ``from`` given back, as a failover wants.
    Where the arbiter cannot name another bearer (``dns``, ``file``, ``dynamodb``), or does not
    answer now, it goes on naming the run before it until it is given back: nobody else can take it
    meanwhile, and whoever is refused is led to that run, which names its heir.
    """
    if isinstance(lease, PairLease):
        return handed_over(lease.keep_first(), run)
    if isinstance(lease, Borne):
        with suppress(DrtoolError, OSError):
            lease.bear(run)
    return lease
