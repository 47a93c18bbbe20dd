"""Authoritative DNS servers: what they answer, and guarded updates of what they answer.

Nothing here imports dnspython before a server is opened.
"""

from drtool.connections.dns.names import Names
from drtool.connections.dns.resolvers import ResolverSays, ResolversReader
from drtool.connections.dns.server import Answer, DnsHands, DnsReader
from drtool.connections.dns.zone import Move, ServerSays, ZoneHands, ZoneReader

__all__ = [
    "Answer",
    "DnsHands",
    "DnsReader",
    "Move",
    "Names",
    "ResolverSays",
    "ResolversReader",
    "ServerSays",
    "ZoneHands",
    "ZoneReader",
]
