"""What one DNS server has of a service's lease, and its exchange."""

from __future__ import annotations

from datetime import timedelta

from drtool.clock import Clock
from drtool.connections.dns import Answer, DnsHands
from drtool.errors import DrtoolError, Refused, Unreachable
from drtool.lease.dns_record import LeaseRecord, lease_name, parse
from drtool.lease.lease import held
from drtool.units import Duration

SKEW_SECONDS = 10.0  # by so much two machines' clocks may differ
_TTL = Duration(1)
_TRIES = 3


class LeaseServer:
    """The lease of a service at one server."""

    def __init__(self, service: str, hands: DnsHands) -> None:
        self._service, self._hands = service, hands
        self.server, self._name = hands.server, lease_name(service, hands.zone)

    def close(self) -> None:
        """End the connection."""
        self._hands.close()

    def record(self) -> LeaseRecord | None:
        """What the server has, None for what is no lease; raises what asking it raises."""
        return parse(self._values())

    def exchange(self, old: LeaseRecord, new: LeaseRecord) -> bool:
        """Replace one record by another; False when another is there, or no answer comes."""
        values = () if old == LeaseRecord() else (old.text(),)
        before = Answer(name=self._name, rdtype="TXT", values=values)
        try:
            self._hands.replace(before, (new.text(),), _TTL)
        except DrtoolError:
            return False
        return True

    def look(self, clock: Clock, run: str) -> LeaseRecord:
        """What a run that wants the lease finds; raises LeaseHeld when another run holds it."""
        values = self._values()
        found = parse(values)
        if found is None:
            raise Refused(
                f"lease of {self._service}",
                f"{self._name} at {self.server} is no lease: {values}",
                "a record that drtool wrote, or none",
                "see who wrote it, and delete it",
            )
        if found.run and found.run != run and found.expires is not None:
            over = found.expires + timedelta(seconds=SKEW_SECONDS)
            if clock.wall() < over:
                raise held(
                    self._service,
                    f"dns {self.server}",
                    f"{found.holder}, run {found.run}, token {found.token}",
                    found.run,
                    f"if that machine is lost, its lease runs out at {over:%H:%M:%S} UTC",
                )
        return found

    def take(self, record: LeaseRecord, clock: Clock) -> None:
        """Exchange what is there for our record, as long as nobody holds it.

        Raises LeaseHeld, and Unreachable when the server does not carry the update out.
        """
        for _ in range(_TRIES):
            old = self.look(clock, record.run)
            if old.token >= record.token:
                faster = "somebody who was faster, and is done"
                raise held(self._service, f"dns {self.server}", faster, "", "start again")
            if self.exchange(old, record):
                return
        raise Unreachable(
            f"lease of {self._service}", f"dns server {self.server} does not carry the update out"
        )

    def _values(self) -> tuple[str, ...]:
        return self._hands.answer(self._name, "TXT").values
