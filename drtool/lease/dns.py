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
from drtool.connections.dns import DnsHands
from drtool.connections.reach import Context
from drtool.errors import BadInput, DrtoolError, LeaseHeld, Unreachable
from drtool.lease.dns_record import LeaseRecord
from drtool.lease.dns_server import SKEW_SECONDS, LeaseServer
from drtool.lease.lease import lost, token_text

SECONDS = 60.0
RENEW_SECONDS = 15.0


class DnsLease:
    """A record on more than half of a site's servers, renewed on a thread until it is released."""

    session = None

    def __init__(
        self,
        service: str,
        record: LeaseRecord,
        held_at: Sequence[LeaseServer],
        quorum: int,
        clock: Clock,
    ) -> None:
        self.holder, self.token = record.holder, token_text(record.token)
        self.arbiter = "dns " + " ".join(one.server for one in held_at)
        self._service, self._clock, self._quorum = service, clock, quorum
        self._records = dict.fromkeys(held_at, record)
        self._renewed = clock.monotonic()
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
            taken = [one for one, own in self._records.items() if _taken_from(one, own)]
            if len(self._records) - len(taken) < self._quorum:
                names = " ".join(one.server for one in taken)
                raise self._lose(f"the record at {names} is another's")

    def release(self) -> None:
        """Write that the lease is free; a server that does not answer lets it run out."""
        self._over.set()
        with self._turn:
            for one, own in self._records.items():
                one.exchange(_there(one, own), LeaseRecord(token=own.token))
                one.close()
            self._records = {}

    def _keep(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            with self._turn:
                if not self._over.is_set() and self._loss is None:
                    self._renew()

    def _renew(self) -> None:
        expires = self._clock.wall() + timedelta(seconds=SECONDS)
        began, renewed = self._clock.monotonic(), 0
        for one, own in self._records.items():
            new = own.model_copy(update={"expires": expires})
            if one.exchange(_there(one, own), new):
                self._records[one] = new
                renewed += 1
        if renewed >= self._quorum:
            self._renewed = began

    def _lose(self, reason: str) -> LeaseHeld:
        self._loss = lost(self._service, self.arbiter, reason)
        return self._loss


def _taken_from(server: LeaseServer, own: LeaseRecord) -> bool:
    try:
        found = server.record()
    except DrtoolError:
        return False
    return found is None or not found.same_hold_as(own)


def _there(server: LeaseServer, own: LeaseRecord) -> LeaseRecord:
    """Our record as the server has it: an earlier update may have been made unseen."""
    try:
        found = server.record()
    except DrtoolError:
        return own
    return found if found is not None and found.same_hold_as(own) else own


def take_dns(service: str, site: str, context: Context, holder: str, run: str) -> DnsLease:
    """Take the lease at a site's servers.

    Raises LeaseHeld that names the holder, Unreachable when too few servers answer.
    """
    names = _servers_of(site, service, context)
    quorum = len(names) // 2 + 1
    servers, troubles = _open(names, service, context)
    if len(servers) < quorum:
        raise Unreachable(
            f"lease of {service}",
            f"{len(servers)} of the {len(names)} dns servers of site {site} can be used: "
            + "; ".join(error.line() for error in troubles),
            f"at least {quorum}",
        )
    record = _take_all(servers, holder, run, context.clock)
    return DnsLease(service, record, servers, quorum, context.clock)


def _servers_of(site: str, service: str, context: Context) -> list[str]:
    dns = context.inventory.dns
    servers = dns.servers if dns else {}
    found = sorted(name for name, server in servers.items() if server.site == site)
    if not found:
        raise BadInput(
            f"lease of {service}",
            f"site {site} has no dns server",
            "one under dns.servers whose site it is",
            "name one, or keep the lease at postgresql or journal",
        )
    return found


def _open(
    names: list[str], service: str, context: Context
) -> tuple[list[LeaseServer], list[DrtoolError]]:
    servers: list[LeaseServer] = []
    troubles: list[DrtoolError] = []
    for name in names:
        try:
            servers.append(LeaseServer(service, DnsHands.open(name, context)))
        except DrtoolError as error:
            troubles.append(error)
    return servers, troubles


def _take_all(servers: Sequence[LeaseServer], holder: str, run: str, clock: Clock) -> LeaseRecord:
    """Take the lease at every server, or at none."""
    record, taken = LeaseRecord(), list[LeaseServer]()
    try:
        record = LeaseRecord(
            token=1 + max(one.look(clock, run).token for one in servers),
            run=run,
            holder=holder,
            expires=clock.wall() + timedelta(seconds=SECONDS),
        )
        for one in servers:
            one.take(record, clock)
            taken.append(one)
    except BaseException:
        for one in taken:
            one.exchange(record, LeaseRecord(token=record.token))
        for one in servers:
            one.close()
        raise
    return record
