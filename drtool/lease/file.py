"""The arbiter that is a file on a host of the site, exchanged over SSH.

The host alone decides: which of two takers wins (only one can make the next file), and by its own
clock whether a lease has run out. Tokens are at least the host's time, so that they grow although
somebody tidied up the directory.
"""

from __future__ import annotations

from drtool.connections.reach import Context
from drtool.connections.ssh_cell import SshCell
from drtool.errors import BadInput
from drtool.lease.keeper import Keeper, Span
from drtool.lease.kept import KeptLease, take_kept
from drtool.lease.lease import Claim
from drtool.model.inventory import Inventory

SPAN = Span(seconds=30.0, renew=8.0, margin=5.0, dated=True)


def take_file(
    service: str, site: str, context: Context, holder: str, run: str, *, by_force: bool = False
) -> KeptLease:
    """Take the lease at a site's host; raises LeaseHeld that names the holder."""
    host = host_of(service, site, context.inventory)
    keeper = Keeper(service, SshCell.open(host, f"{service}.lease", context), SPAN, context.clock)
    claim = Claim(service=service, holder=holder, run=run, by_force=by_force)
    return take_kept(claim, [keeper], context.clock)


def host_of(service: str, site: str, inventory: Inventory) -> str:
    """The host of a site that keeps the lease; raises BadInput unless there is just one."""
    named = inventory.services[service].lease.hosts
    able = [name for name in inventory.hosts_at(site) if inventory.hosts[name].ssh]
    found = [name for name in able if name in named] if named else able
    if len(found) != 1:
        told = f"lease.hosts has {len(found)} of them" if named else f"{len(found)} have ssh"
        raise BadInput(
            f"lease of {service}",
            f"site {site}: of its hosts {told} ({', '.join(found) or 'none'})",
            "one that keeps the file",
            f"services.{service}.lease: {{at: file, hosts: [HOST_OF_EACH_SITE]}}",
        )
    return found[0]
