"""A lease that runs out unless its holder renews it: at DNS servers, on a host, in DynamoDB."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from drtool.clock import Clock, seconds_passed
from drtool.errors import LeaseHeld
from drtool.lease.dns_record import LeaseRecord
from drtool.lease.keeper import Keeper
from drtool.lease.lease import Claim, lost, since_text, token_text


class KeptLease:
    """A record at more than half of its keepers, renewed on a thread until it is released.

    The holder counts by its monotonic clock from before its last renewal was sent; what the wall
    clocks do meanwhile does not matter. ``over`` says from whom it was taken by force, or "".
    """

    session = None

    def __init__(
        self,
        service: str,
        record: LeaseRecord,
        held_at: Sequence[Keeper],
        quorum: int,
        clock: Clock,
        *,
        began: float,
        over: str = "",
    ) -> None:
        self.holder, self.token, self.over = record.holder, token_text(record.token), over
        self.arbiter = _named(held_at)
        self._service, self._clock, self._quorum = service, clock, quorum
        self._record, self._keepers = record, list(held_at)
        self._span = held_at[0].span
        self._renewed = began
        self._turn, self._over = threading.Lock(), threading.Event()
        self._loss: LeaseHeld | None = None
        threading.Thread(target=self._keep, name=f"lease {service}", daemon=True).start()

    def check(self) -> None:
        """Ask the keepers; one that is silent is believed until the record would have run out."""
        with self._turn:
            if self._loss is not None:
                raise self._loss
            self._check_time()
            taken = [one for one in self._keepers if not one.still_has(self._record)]
            if len(self._keepers) - len(taken) < self._quorum:
                raise self._lose(f"the record at {_named(taken)} is another's")
            self._check_time()  # once more: asking may have taken long, and we may have slept

    def release(self) -> None:
        """Write that the lease is free; a keeper that does not answer lets it run out."""
        self._over.set()
        with self._turn:
            for one in self._keepers:
                one.give_back(self._record)
                one.close()
            self._keepers = []

    def _check_time(self) -> None:
        since = seconds_passed(self._clock) - self._renewed
        if since >= self._span.seconds - self._span.margin:
            raise self._lose(f"not renewed for {since:.0f} s")

    def _keep(self) -> None:
        while not self._over.wait(self._span.renew):
            with self._turn:
                if not self._over.is_set() and self._loss is None:
                    self._renew()

    def _renew(self) -> None:
        began = seconds_passed(self._clock)
        renewed = [one for one in self._keepers if one.renew(self._record)]
        if len(renewed) >= self._quorum:
            self._renewed = began

    def _lose(self, reason: str) -> LeaseHeld:
        self._loss = lost(self._service, self.arbiter, reason)
        return self._loss


def take_kept(claim: Claim, keepers: Sequence[Keeper], clock: Clock, quorum: int = 1) -> KeptLease:
    """Take the lease at every keeper, or at none; ``keepers`` are closed when that fails.

    Raises LeaseHeld that names the holder.
    """
    record, taken = LeaseRecord(run=claim.run, holder=claim.holder), list[Keeper]()
    try:
        found = [one.look(claim.run, by_force=claim.by_force) for one in keepers]
        tokens = [one.next_token() for one in keepers]
        record = record.model_copy(update={"token": max(tokens)})
        began = seconds_passed(clock)
        for one, seen in zip(keepers, found, strict=True):
            one.take(record, seen, by_force=claim.by_force)
            taken.append(one)
    except BaseException:
        for one in taken:
            one.give_back(record)
        for one in keepers:
            one.close()
        raise
    over = _whose([old for _, old in found], claim.run) if claim.by_force else ""
    return KeptLease(claim.service, record, keepers, quorum, clock, began=began, over=over)


def _whose(found: Sequence[LeaseRecord], run: str) -> str:
    """From whom it was taken; "" when it was free or our own."""
    theirs = [one for one in found if one.run and one.run != run]
    return f"{theirs[0].holder}, run {theirs[0].run}{since_text(theirs[0].run)}" if theirs else ""


def _named(keepers: Sequence[Keeper]) -> str:
    """All places, the kind said once: ``dns ns_1 ns_2``."""
    first, *more = [one.where for one in keepers] or ["nowhere"]
    return " ".join((first, *(name.partition(" ")[2] for name in more)))
