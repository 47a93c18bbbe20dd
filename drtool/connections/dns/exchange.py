"""One message to one DNS server, and its reply, whose signature is verified.

UDP has time limits of its own and goes over a connected socket, so that a closed port is told
at once; a reply that does not fit into a datagram is asked for again over TCP. A datagram may be
sent again, and the reply to either counts.
"""

from __future__ import annotations

import socket
import struct
import time
from datetime import UTC, datetime

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.tsig

from drtool.connections.dns.question import Place, ReplyLost, Route
from drtool.errors import AccessDenied, StepFailed, Unreachable

LARGEST_DATAGRAM = 65535
SKEW_SECONDS = 300


def exchange(route: Route, query: dns.message.Message) -> dns.message.Message:
    """The server's reply; raises Unreachable, ReplyLost, AccessDenied or StepFailed."""
    place, end = route.place, time.monotonic() + route.seconds
    wire = query.to_wire()
    if route.transport == "tcp":
        return _over_tcp(place, query, wire, end)
    reply = _over_udp(route, query, wire)
    return _over_tcp(place, query, wire, end) if reply.flags & dns.flags.TC else reply


def _over_udp(route: Route, query: dns.message.Message, wire: bytes) -> dns.message.Message:
    place = route.place
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            place.address, place.port, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind, protocol) as sock:
            sock.connect(where)
            for _ in range(route.times):
                sock.send(wire)
                reply = _heard(place, query, sock, route.seconds / route.times)
                if reply is not None:
                    return reply
    except OSError as error:
        raise Unreachable(place.subject, _reason(error)) from error
    raise ReplyLost(place.subject, "does not answer in time over UDP")


def _heard(
    place: Place, query: dns.message.Message, sock: socket.socket, seconds: float
) -> dns.message.Message | None:
    """The reply, past strangers' datagrams; None when it does not come in time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            reply = _read(place, query, sock.recv(LARGEST_DATAGRAM))
        except TimeoutError:
            return None
        if query.is_response(reply):
            return reply
    return None


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
