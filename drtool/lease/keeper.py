"""What one place has of a service's lease that runs out, and its exchange.

Whether somebody's lease has run out is never judged by the clock of the machine that wants it. A
place with a clock of its own (a DNS server, a host) is asked for its time, in which the expiry was
written, too. Where there is none the record is watched: a holder who lives changes it.
"""

from __future__ import annotations

from datetime import timedelta

from drtool.clock import Clock
from drtool.connections.cell import Cell, Kept
from drtool.errors import DrtoolError, Refused, Unreachable
from drtool.lease.dns_record import LeaseRecord, parse
from drtool.lease.lease import held, since_text
from drtool.model.value import Value

_TRIES = 3
_LOOK_SECONDS = 0.5


class Span(Value):
    """How long a lease lasts that nobody renews, in seconds.

    Its holder renews it every ``renew`` and acts no more once only ``margin`` is left. With
    ``watched`` a taker watches a record for the whole time; otherwise the place's clock says
    when it has run out. With ``dated`` tokens are at least the place's time in seconds, so that
    they grow although everything there was lost.
    """

    seconds: float
    renew: float
    margin: float
    watched: bool = False
    dated: bool = False


class Keeper:
    """The lease of a service at one place."""

    def __init__(self, service: str, cell: Cell, span: Span, clock: Clock) -> None:
        self._service, self._cell, self.span, self._clock = service, cell, span, clock
        self.where = cell.where

    def close(self) -> None:
        """End the connection."""
        self._cell.close()

    def record(self) -> LeaseRecord | None:
        """What is there, None for what is no lease; raises what asking raises."""
        return parse(self._cell.read().values)

    def still_has(self, own: LeaseRecord) -> bool:
        """Whether the record there is of our hold; a place that does not answer is believed."""
        try:
            found = self.record()
        except DrtoolError:
            return True
        return found is not None and found.same_hold_as(own)

    def renew(self, own: LeaseRecord) -> bool:
        """Write a new expiry; False when another's record is there, or no answer comes."""
        try:
            expires = self._cell.now() + timedelta(seconds=self.span.seconds)
        except DrtoolError:
            return False
        return self._replace(own, own.model_copy(update={"expires": expires}))

    def give_back(self, own: LeaseRecord) -> None:
        """Write that it is free, as far as the place answers; the token stays."""
        self._replace(own, LeaseRecord(token=own.token))

    def look(self, run: str, *, by_force: bool = False) -> tuple[Kept, LeaseRecord]:
        """What a run that wants the lease finds; raises LeaseHeld when another run holds it."""
        kept = self._cell.read()
        found = parse(kept.values)
        if found is None:
            raise Refused(
                f"lease of {self._service}",
                f"what {self.where} has is no lease: {kept.values}",
                "a record that drtool wrote, or none",
                "see who wrote it, and delete it",
            )
        theirs = found.run and found.run != run and not by_force
        if theirs and not self._ran_out(kept, found):
            by = f"{found.holder}, run {found.run}, token {found.token}{since_text(found.run)}"
            raise held(self._service, self.where, by, found.run, self._how_it_ends(found))
        return kept, found

    def next_token(self) -> int:
        """A token that is greater than any before it; raises what asking raises."""
        kept = self._cell.read()
        found = parse(kept.values)
        token = max(found.token if found else 0, kept.serial) + 1
        return max(token, int(self._cell.now().timestamp())) if self.span.dated else token

    def take(
        self, record: LeaseRecord, seen: tuple[Kept, LeaseRecord], *, by_force: bool = False
    ) -> None:
        """Put our record, its expiry in the place's time, where what was seen still is.

        By force it replaces a record whose token is lower. Raises LeaseHeld, and Unreachable when
        the place does not carry it out.
        """
        for _ in range(_TRIES):
            kept, old = seen
            if old.same_hold_as(record):
                return  # an earlier write was made unseen
            if old.token >= record.token:
                faster = "somebody who was faster, and is done"
                raise held(self._service, self.where, faster, "", "start again")
            expires = self._cell.now() + timedelta(seconds=self.span.seconds)
            if self._exchanged(kept, record.model_copy(update={"expires": expires})):
                return
            seen = self.look(record.run, by_force=by_force)
        what = f"{self.where} does not carry the update out"
        raise Unreachable(f"lease of {self._service}", what)

    def _how_it_ends(self, found: LeaseRecord) -> str:
        if self.span.watched or found.expires is None:
            return f"if that machine is lost, its lease ends {self.span.seconds:g} s after its end"
        over = found.expires + timedelta(seconds=self.span.margin)
        return f"if that machine is lost, its lease runs out at {over:%H:%M:%S} UTC"

    def _ran_out(self, kept: Kept, found: LeaseRecord) -> bool:
        """Whether nobody renews it any more."""
        if self.span.watched:
            return self._unchanged(kept)
        margin = timedelta(seconds=self.span.margin)
        return found.expires is None or self._cell.now() >= found.expires + margin

    def _unchanged(self, kept: Kept) -> bool:
        """Whether nothing changes there for as long as a lease lasts."""
        end = self._clock.monotonic() + self.span.seconds
        while self._clock.monotonic() < end:
            self._clock.sleep(_LOOK_SECONDS)
            if self._cell.read() != kept:
                return False
        return True

    def _replace(self, own: LeaseRecord, new: LeaseRecord) -> bool:
        """Exchange the record of our hold; its expiry there may be another than we know of."""
        try:
            kept = self._cell.read()
            found = parse(kept.values)
            if found is None or not found.same_hold_as(own):
                return False
            return self._cell.exchange(kept, new.text())
        except DrtoolError:
            return False

    def _exchanged(self, kept: Kept, new: LeaseRecord) -> bool:
        try:
            return self._cell.exchange(kept, new.text())
        except Unreachable:
            return False  # looked at again: it may be there
