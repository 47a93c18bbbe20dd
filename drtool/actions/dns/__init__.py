"""Actions and checks on the names that customers follow, at the zone's authoritative servers."""

from drtool.actions.dns.redirect import Redirect
from drtool.actions.dns.resolves import Resolves
from drtool.actions.dns.ttl import LowerTtl, Ttl

__all__ = ["LowerTtl", "Redirect", "Resolves", "Ttl"]
