"""The arbiter that is a site's authoritative DNS servers.

The lease of a service is the TXT record ``_drtool-lease.SERVICE.ZONE``, exchanged with an
RFC 2136 prerequisite on its old value, so that of two takers one is refused by the server. It
is never deleted: its token must grow. A holder writes a new expiry all the time, in the server's
own time; when it dies the record runs out. More than half of the site's servers must agree.
"""

from __future__ import annotations

from drtool.connections.dns.cell import DnsCell
from drtool.connections.reach import Context
from drtool.errors import BadInput, DrtoolError, Unreachable
from drtool.lease.dns_record import LABEL
from drtool.lease.keeper import Keeper, Span
from drtool.lease.kept import KeptLease, take_kept
from drtool.lease.lease import Claim

SPAN = Span(seconds=60.0, renew=15.0, margin=10.0)


def take_dns(
    service: str, site: str, context: Context, holder: str, run: str, *, by_force: bool = False
) -> KeptLease:
    """Take the lease at a site's servers.

    Raises LeaseHeld that names the holder, Unreachable when too few servers answer.
    """
    names = servers_of(site, service, context)
    quorum = len(names) // 2 + 1
    keepers, troubles = _open(names, service, context)
    if len(keepers) < quorum:
        raise Unreachable(
            f"lease of {service}",
            f"{len(keepers)} of the {len(names)} dns servers of site {site} can be used: "
            + "; ".join(error.line() for error in troubles),
            f"at least {quorum}",
        )
    claim = Claim(service=service, holder=holder, run=run, by_force=by_force)
    return take_kept(claim, keepers, context.clock, quorum)


def servers_of(site: str, service: str, context: Context) -> list[str]:
    """A site's servers; raises BadInput when there is none."""
    dns = context.inventory.dns
    servers = dns.servers if dns else {}
    found = sorted(name for name, server in servers.items() if server.site == site)
    if not found:
        raise BadInput(
            f"lease of {service}",
            f"site {site} has no dns server",
            "one under dns.servers whose site it is",
            "name one, or keep the lease elsewhere",
        )
    return found


def _open(
    names: list[str], service: str, context: Context
) -> tuple[list[Keeper], list[DrtoolError]]:
    keepers: list[Keeper] = []
    troubles: list[DrtoolError] = []
    for name in names:
        try:
            cell = DnsCell.open(name, f"{LABEL}.{service}", context)
            keepers.append(Keeper(service, cell, SPAN, context.clock))
        except DrtoolError as error:
            troubles.append(error)
    return keepers, troubles
