"""Questions and updates to one DNS server, on dnspython; imported only when a server is used.

UDP has time limits of its own and goes over a connected socket, so that a closed port is told
at once; what UDP does not bring is asked again over TCP.
"""

from __future__ import annotations

import socket
import struct
import time
from base64 import b64decode
from binascii import Error as BadBase64
from datetime import UTC, datetime

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update

from drtool.connections.dns.question import (
    Found,
    Place,
    Replacement,
    ReplyLost,
    Transport,
    TsigKey,
)
from drtool.errors import AccessDenied, BadInput, Refused, StepFailed, Unreachable

LARGEST_DATAGRAM = 65535
SKEW_SECONDS = 300


def _keyed(key: TsigKey) -> dns.tsig.Key:
    """The key as the library has it; raises BadInput, without the secret."""
    try:
        secret = b64decode(key.secret, validate=True)
    except (BadBase64, ValueError) as error:
        raise BadInput(f"TSIG key {key.name}", "its secret is not base64") from error
    return dns.tsig.Key(key.name, secret, key.algorithm)


def ask(
    place: Place,
    name: str,
    rdtype: str,
    transport: Transport,
    *,
    seconds: float,
    key: TsigKey | None = None,
) -> Found:
    """What the server answers; raises Unreachable, ReplyLost or AccessDenied."""
    query = dns.message.make_query(_absolute(name), rdtype)
    query.flags &= ~dns.flags.RD
    if key is not None:
        query.use_tsig(_keyed(key))
    reply = _exchange(place, query, transport, seconds)
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


def replace(
    place: Place,
    zone: str,
    change: Replacement,
    transport: Transport,
    *,
    seconds: float,
    key: TsigKey,
) -> str:
    """Send a signed update whose prerequisite is the old value; the code that is answered.

    An empty old value asks that there be none (RFC 2136, section 2.4). Raises Refused before
    anything is sent when the name would be left empty.
    """
    message = _update(zone, change, _keyed(key))
    empties = emptied_names(message)
    if empties:
        raise Refused(place.subject, f"the update would leave {', '.join(empties)} without a value")
    return dns.rcode.to_text(_exchange(place, message, transport, seconds).rcode())


def try_update(
    place: Place,
    zone: str,
    change: Replacement,
    transport: Transport,
    *,
    seconds: float,
    key: TsigKey,
) -> str:
    """Send a signed update that cannot be carried out; the code that is answered.

    Its prerequisites contradict each other: the name is in use, and it is not (RFC 2136, 2.4.4
    and 2.4.5). BIND and knot judge before them whether the key may make the change.
    """
    message = dns.update.UpdateMessage(_absolute(zone), keyring=_keyed(key))
    name = _absolute(change.name)
    message.present(name)
    message.absent(name)
    message.replace(name, change.ttl, change.rdtype, *change.new)
    return dns.rcode.to_text(_exchange(place, message, transport, seconds).rcode())


def _update(zone: str, change: Replacement, key: dns.tsig.Key) -> dns.update.UpdateMessage:
    message = dns.update.UpdateMessage(_absolute(zone), keyring=key)
    name = _absolute(change.name)
    if change.old:
        message.present(name, change.rdtype, *change.old)
    else:
        message.absent(name, change.rdtype)
    message.replace(name, change.ttl, change.rdtype, *change.new)
    return message


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


def _exchange(
    place: Place, query: dns.message.Message, transport: Transport, seconds: float
) -> dns.message.Message:
    end = time.monotonic() + seconds
    wire = query.to_wire()
    if transport == "tcp":
        return _over_tcp(place, query, wire, end)
    reply = _over_udp(place, query, wire, end)
    return _over_tcp(place, query, wire, end) if reply.flags & dns.flags.TC else reply


def _over_udp(
    place: Place, query: dns.message.Message, wire: bytes, end: float
) -> dns.message.Message:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            place.address, place.port, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind, protocol) as sock:
            sock.connect(where)
            sock.send(wire)
            while (left := end - time.monotonic()) > 0:
                sock.settimeout(left)
                reply = _read(place, query, sock.recv(LARGEST_DATAGRAM))
                if query.is_response(reply):
                    return reply
            raise TimeoutError  # noqa: TRY301 - only strangers' datagrams came
    except TimeoutError as error:
        raise ReplyLost(place.subject, "does not answer in time over UDP") from error
    except OSError as error:
        raise Unreachable(place.subject, _reason(error)) from error


def _over_tcp(
    place: Place, query: dns.message.Message, wire: bytes, end: float
) -> dns.message.Message:
    try:
        sock = socket.create_connection(
            (place.address, place.port), max(end - time.monotonic(), 0.01)
        )
    except OSError as error:
        raise Unreachable(place.subject, _reason(error)) from error
    with sock:
        try:
            sock.sendall(struct.pack("!H", len(wire)) + wire)
            size = struct.unpack("!H", _receive(sock, 2, end))[0]
            return _read(place, query, _receive(sock, size, end))
        except OSError as error:
            raise ReplyLost(place.subject, f"{_reason(error)} over TCP") from error


def _receive(sock: socket.socket, size: int, end: float) -> bytes:
    got = b""
    while len(got) < size:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        part = sock.recv(size - len(got))
        if not part:
            raise ConnectionResetError
        got += part
    return got


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens on its port"
    if isinstance(error, ConnectionResetError):
        return "ended the connection"
    return error.strerror or str(error)


def _read(place: Place, query: dns.message.Message, wire: bytes) -> dns.message.Message:
    """The reply, its signature verified; raises AccessDenied when the key was not accepted."""
    name = query.keyring.name.to_text(omit_final_dot=True) if query.keyring else ""
    try:
        if not query.keyring:
            return dns.message.from_wire(wire)
        return dns.message.from_wire(wire, keyring=query.keyring, request_mac=query.mac or b"")
    except dns.tsig.PeerBadKey as error:
        raise AccessDenied(
            place.subject,
            f"does not know the TSIG key {name} with this algorithm (BADKEY)",
            hint="compare dns.key_name and dns.algorithm with the server's configuration",
        ) from error
    except (dns.tsig.PeerBadSignature, dns.tsig.BadSignature) as error:
        raise AccessDenied(
            place.subject,
            f"has another secret for the TSIG key {name} (BADSIG)",
            hint="compare what dns.key refers to with the server's configuration",
        ) from error
    except (dns.tsig.PeerBadTime, dns.tsig.BadTime) as error:
        raise AccessDenied(
            place.subject,
            f"its clock and ours are apart: {_skew(wire)} (BADTIME)",
            f"at most {SKEW_SECONDS} s",
            "compare the clocks: timedatectl on both machines",
        ) from error
    except dns.exception.DNSException as error:
        return _unsigned(place, wire, error)


def _unsigned(place: Place, wire: bytes, error: Exception) -> dns.message.Message:
    """A refusal that came without a signature; any other unsigned reply is not believed."""
    try:
        reply = dns.message.from_wire(wire, keyring=False)
    except dns.exception.DNSException:
        raise StepFailed(place.subject, f"its reply cannot be read: {error}") from error
    if reply.rcode() == dns.rcode.NOERROR:
        raise AccessDenied(
            place.subject, "its reply is not signed", "a reply signed with our key"
        ) from error
    return reply


def _skew(wire: bytes) -> str:
    reply = dns.message.from_wire(wire, keyring=False)
    record = reply.tsig[0] if reply.tsig else None
    now = time.time()
    its = float(record.time_signed) if record is not None else now
    if record is not None and len(record.other) == 6:
        its = float(int.from_bytes(record.other, "big"))
    there, here = (datetime.fromtimestamp(value, UTC) for value in (its, now))
    return f"it says {there:%H:%M:%S} UTC, we say {here:%H:%M:%S} UTC, {abs(its - now):.0f} s"
