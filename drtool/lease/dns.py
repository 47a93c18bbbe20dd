"""The arbiter that is a site's authoritative DNS servers.

The lease of a service is the TXT record ``_drtool-lease.SERVICE.ZONE``, exchanged with an
RFC 2136 prerequisite on its old value, so that of two takers one is refused by the server. It
is never deleted: its token must grow. A holder writes a new expiry all the time; when it dies
the record runs out. More than half of the site's servers must agree.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

from drtool.clock import Clock
from drtool.connections.dns import Answer, DnsHands
from drtool.connections.reach import Context
from drtool.errors import BadInput, DrtoolError, LeaseHeld, Refused, Unreachable
from drtool.lease.dns_record import LeaseRecord, parse
from drtool.lease.lease import held, lost
from drtool.units import Duration

SECONDS = 60.0
RENEW_SECONDS = 15.0
SKEW_SECONDS = 10.0  # by so much two machines' clocks may differ
_TTL = Duration(1)
_TRIES = 3


class DnsLease:
    """A record on more than half of a site's servers, renewed on a thread until it is released."""

    session = None

    def __init__(
        self,
        service: str,
        record: LeaseRecord,
        held_at: Sequence[DnsHands],
        quorum: int,
        clock: Clock,
    ) -> None:
        self.holder, self.token = record.holder, f"{record.token:012d}"
        self.arbiter = "dns " + " ".join(hands.server for hands in held_at)
        self._service, self._record, self._clock = service, record, clock
        self._servers = dict.fromkeys(held_at, record)
        self._quorum, self._renewed = quorum, clock.monotonic()
        self._turn, self._over = threading.Lock(), threading.Event()
        self._loss: LeaseHeld | None = None
        threading.Thread(target=self._keep, name=f"lease {service}", daemon=True).start()

    def check(self) -> None:
        """Ask the servers; one that is silent is believed until the record would have run out."""
        with self._turn:
            if self._loss is not None:
                raise self._loss
            left = SECONDS - (self._clock.monotonic() - self._renewed)
            if left <= SKEW_SECONDS:
                raise self._lose(f"not renewed for {SECONDS - left:.0f} s")
            taken = [hands for hands, own in self._servers.items() if self._taken_from(hands, own)]
            if len(self._servers) - len(taken) < self._quorum:
                names = " ".join(hands.server for hands in taken)
                raise self._lose(f"the record at {names} is another's")

    def release(self) -> None:
        """Write that the lease is free; a server that does not answer lets it run out."""
        self._over.set()
        with self._turn:
            for hands, own in self._servers.items():
                _exchange(
                    hands, self._service, self._there(hands, own), LeaseRecord(token=own.token)
                )
                hands.close()
            self._servers = {}

    def _taken_from(self, hands: DnsHands, own: LeaseRecord) -> bool:
        try:
            found = parse(hands.answer(lease_name(self._service, hands.zone), "TXT").values)
        except DrtoolError:
            return False
        return found is None or (found.run, found.token) != (own.run, own.token)

    def _keep(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            with self._turn:
                if not self._over.is_set() and self._loss is None:
                    self._renew()

    def _renew(self) -> None:
        expires = self._clock.wall() + timedelta(seconds=SECONDS)
        began, renewed = self._clock.monotonic(), 0
        for hands, own in self._servers.items():
            new = own.model_copy(update={"expires": expires})
            if _exchange(hands, self._service, self._there(hands, own), new):
                self._servers[hands] = new
                renewed += 1
        if renewed >= self._quorum:
            self._renewed = began

    def _there(self, hands: DnsHands, own: LeaseRecord) -> LeaseRecord:
        """Our record as the server has it: an earlier update may have been made unseen."""
        try:
            found = parse(hands.answer(lease_name(self._service, hands.zone), "TXT").values)
        except DrtoolError:
            return own
        same = found is not None and (found.run, found.token) == (own.run, own.token)
        return found if found is not None and same else own

    def _lose(self, reason: str) -> LeaseHeld:
        self._loss = lost(self._service, self.arbiter, reason)
        return self._loss


def lease_name(service: str, zone: str) -> str:
    """The name of a service's lease."""
    return f"_drtool-lease.{service}.{zone}"


def take_dns(service: str, site: str, context: Context, holder: str, run: str) -> DnsLease:
    """Take the lease at a site's servers.

    Raises LeaseHeld that names the holder, Unreachable when too few servers answer.
    """
    servers = _servers(service, site, context)
    quorum = len(servers) // 2 + 1
    hands, troubles = _open(servers, context)
    if len(hands) < quorum:
        raise Unreachable(
            f"lease of {service}",
            f"{len(hands)} of the {len(servers)} dns servers of site {site} can be used: "
            + "; ".join(error.line() for error in troubles),
            f"at least {quorum}",
        )
    return DnsLease(
        service, _take_all(hands, service, holder, run, context.clock), hands, quorum, context.clock
    )


def _take_all(
    hands: Sequence[DnsHands], service: str, holder: str, run: str, clock: Clock
) -> LeaseRecord:
    """Take the lease at every server, or at none."""
    record, taken = LeaseRecord(), list[DnsHands]()
    try:
        record = LeaseRecord(
            token=1 + max(_look(one, service, clock, run).token for one in hands),
            run=run,
            holder=holder,
            expires=clock.wall() + timedelta(seconds=SECONDS),
        )
        for one in hands:
            _take(one, service, record, clock)
            taken.append(one)
    except BaseException:
        for one in taken:
            _exchange(one, service, record, LeaseRecord(token=record.token))
        for one in hands:
            one.close()
        raise
    return record


def _servers(service: str, site: str, context: Context) -> list[str]:
    dns = context.inventory.dns
    found = (
        sorted(name for name, server in dns.servers.items() if server.site == site) if dns else []
    )
    if not found:
        raise BadInput(
            f"lease of {service}",
            f"site {site} has no dns server",
            "one under dns.servers whose site it is",
            "name one, or keep the lease at postgresql or journal",
        )
    return found


def _open(servers: list[str], context: Context) -> tuple[list[DnsHands], list[DrtoolError]]:
    hands: list[DnsHands] = []
    troubles: list[DrtoolError] = []
    for name in servers:
        try:
            hands.append(DnsHands.open(name, context))
        except DrtoolError as error:
            troubles.append(error)
    return hands, troubles


def _take(hands: DnsHands, service: str, record: LeaseRecord, clock: Clock) -> None:
    """Exchange what is there for our record, as long as nobody holds it."""
    for _ in range(_TRIES):
        old = _look(hands, service, clock, record.run)
        if old.token >= record.token:
            raise held(
                service,
                f"dns {hands.server}",
                "somebody who was faster, and is done",
                "",
                "start again",
            )
        if _exchange(hands, service, old, record):
            return
    raise Unreachable(
        f"lease of {service}", f"dns server {hands.server} does not carry the update out"
    )


def _look(hands: DnsHands, service: str, clock: Clock, run: str) -> LeaseRecord:
    """What a server has; raises LeaseHeld when somebody holds it."""
    values = hands.answer(lease_name(service, hands.zone), "TXT").values
    record = parse(values)
    if record is None:
        raise Refused(
            f"lease of {service}",
            f"{lease_name(service, hands.zone)} at {hands.server} is no lease: {values}",
            "a record that drtool wrote, or none",
            "see who wrote it, and delete it",
        )
    if record.run and record.run != run and record.expires is not None:
        over = record.expires + timedelta(seconds=SKEW_SECONDS)
        if clock.wall() < over:
            raise held(
                service,
                f"dns {hands.server}",
                f"{record.holder}, run {record.run}, token {record.token}",
                record.run,
                f"if that machine is lost, its lease runs out at {over:%H:%M:%S} UTC",
            )
    return record


def _exchange(hands: DnsHands, service: str, old: LeaseRecord, new: LeaseRecord) -> bool:
    """Replace one record by another; False when the server has another, or does not answer."""
    values = () if old == LeaseRecord() else (old.text(),)
    before = Answer(name=lease_name(service, hands.zone), rdtype="TXT", values=values)
    try:
        hands.replace(before, (new.text(),), _TTL)
    except DrtoolError:
        return False
    return True
