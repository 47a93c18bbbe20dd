"""Questions and updates to one DNS server, on dnspython; imported only when a server is used."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update

from drtool.connections.dns.exchange import exchange
from drtool.connections.dns.question import Found, Replacement, Route, TsigKey
from drtool.errors import BadInput, Refused


def _keyed(key: TsigKey) -> dns.tsig.Key:
    """The key as the library has it; raises BadInput, without the secret."""
    return dns.tsig.Key(key.name, key.decoded, key.algorithm)


def ask(route: Route, name: str, rdtype: str, key: TsigKey | None = None) -> Found:
    """What the server answers; raises Unreachable, ReplyLost or AccessDenied."""
    query = dns.message.make_query(_absolute(name), rdtype)
    query.flags &= ~dns.flags.RD
    if key is not None:
        query.use_tsig(_keyed(key))
    reply = exchange(route, query)
    code = dns.rcode.to_text(reply.rcode())
    authoritative = bool(reply.flags & dns.flags.AA)
    signed_at = int(reply.tsig[0].time_signed) if reply.tsig else None
    for rrset in reply.answer:
        if rrset.name != query.question[0].name:
            continue
        values = tuple(sorted(value.to_text() for value in rrset))
        if rrset.rdtype == query.question[0].rdtype:
            return Found(code, values, rrset.ttl, "", authoritative, signed_at)
        return Found(code, (), rrset.ttl, values[0], authoritative, signed_at)
    return Found(code, authoritative=authoritative, signed_at=signed_at)


def look_up(route: Route, name: str, rdtype: str) -> Found:
    """What a resolver answers, aliases followed; raises Unreachable or ReplyLost."""
    reply = exchange(route, dns.message.make_query(_absolute(name), rdtype))
    code, wanted = dns.rcode.to_text(reply.rcode()), dns.rdatatype.from_text(rdtype)
    for rrset in reply.answer:
        if rrset.rdtype == wanted:
            values = tuple(sorted(value.to_text() for value in rrset))
            return Found(code, values, rrset.ttl, authoritative=False)
    return Found(code, authoritative=False)


def replace(route: Route, zone: str, change: Replacement, key: TsigKey) -> str:
    """Send a signed update whose prerequisite is the old value; the code that is answered.

    An empty old value asks that there be none (RFC 2136, section 2.4). Raises Refused before
    anything is sent when the name would be left empty, BadInput for what is no value.
    """
    message = _update(zone, change, _keyed(key))
    empties = emptied_names(message)
    if empties:
        raise Refused(
            route.place.subject, f"the update would leave {', '.join(empties)} without a value"
        )
    return dns.rcode.to_text(exchange(route, message).rcode())


def try_update(route: Route, zone: str, change: Replacement, key: TsigKey) -> str:
    """Send a signed update that cannot be carried out; the code that is answered.

    Its prerequisites contradict each other: the name is in use, and it is not (RFC 2136, 2.4.4
    and 2.4.5). BIND and knot judge before them whether the key may make the change.
    """
    message = dns.update.UpdateMessage(_absolute(zone), keyring=_keyed(key))
    name = _absolute(change.name)
    message.present(name)
    message.absent(name)
    _give(message, change)
    return dns.rcode.to_text(exchange(route, message).rcode())


def _update(zone: str, change: Replacement, key: dns.tsig.Key) -> dns.update.UpdateMessage:
    message = dns.update.UpdateMessage(_absolute(zone), keyring=key)
    name = _absolute(change.name)
    if change.old:
        message.present(name, change.rdtype, *change.old)
    else:
        message.absent(name, change.rdtype)
    _give(message, change)
    return message


def _give(message: dns.update.UpdateMessage, change: Replacement) -> None:
    """Put the new values in the old ones' place; raises BadInput for what is no such value."""
    try:
        message.replace(_absolute(change.name), change.ttl, change.rdtype, *change.new)
    except dns.exception.DNSException as error:
        given = ", ".join(change.new)
        raise BadInput(f"name {change.name}", f"{given} is no {change.rdtype} record") from error


def emptied_names(message: dns.update.UpdateMessage) -> list[str]:
    """The names of which an update takes records away without giving others of that type."""
    given = {(rrset.name, rrset.rdtype) for rrset in message.update if rrset.deleting is None}
    return sorted(
        {
            str(rrset.name)
            for rrset in message.update
            if rrset.deleting is not None and (rrset.name, rrset.rdtype) not in given
        }
    )


def _absolute(name: str) -> dns.name.Name:
    try:
        return dns.name.from_text(name)
    except dns.exception.DNSException as error:
        raise BadInput(f"name {name!r}", f"is no DNS name: {error}") from error
