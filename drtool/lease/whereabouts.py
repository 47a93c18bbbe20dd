"""What a service's arbiter itself depends on, and what its tokens are called."""

from __future__ import annotations

from drtool.action import Facts
from drtool.errors import BadInput
from drtool.lease.arbiter import sites, system_at
from drtool.lease.file import host_of
from drtool.lease.lease import Lease
from drtool.lease.pair import PairLease
from drtool.model.inventory import Inventory


def where_kept(service: str, inventory: Inventory, site: str) -> tuple[str, ...]:
    """The systems, hosts, servers or clouds that the lease at a site rests on.

    Systems stand as ``SITE.SYSTEM``, hosts as ``host NAME``, DNS servers as ``dns server NAME``, a
    table as ``dynamodb TABLE in REGION``. Empty where the site lacks what it would take.
    """
    lease = inventory.services[service].lease
    try:
        match lease.at:
            case "postgresql":
                return (system_at(service, site, inventory),)
            case "dns":
                servers = inventory.dns.servers if inventory.dns else {}
                found = sorted(name for name, one in servers.items() if one.site == site)
                return tuple(f"dns server {name}" for name in found)
            case "file":
                return (f"host {host_of(service, site, inventory)}",)
            case "dynamodb":
                table = lease.dynamodb
                return (f"dynamodb {table.table} in {table.region}",) if table else ()
            case "journal":
                return ("this machine",)
    except BadInput:
        return ()


def marks(lease: Lease, facts: Facts) -> tuple[tuple[str, str], ...]:
    """The arbiters that a run holds and its tokens there, as hosts keep them beside one another.

    Tokens of two arbiters cannot be compared, those of one only grow. None for ``journal``, whose
    holder the kernel of this machine excludes.
    """
    kept = facts.inventory.services[facts.service].lease
    if kept.at == "journal":
        return ()
    if kept.at == "dynamodb":
        table = kept.dynamodb.table if kept.dynamodb else ""
        return ((f"dynamodb.{table}", lease.token),)
    tokens = lease.tokens if isinstance(lease, PairLease) else (lease.token,)
    names = [f"{kept.at}.{site}" for site in sites(facts) if site]
    return tuple(zip(names, tokens, strict=False))
