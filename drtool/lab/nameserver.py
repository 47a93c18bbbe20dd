"""A small authoritative DNS server for the lab: one zone, one TSIG key, one peer.

It answers over UDP and TCP, takes signed updates with prerequisites (RFC 2136, RFC 8945) and
gives its zone to whoever signs the question (RFC 5936, one message). A server that comes back
takes its peer's zone, if that is newer, before it answers anything.
"""

from __future__ import annotations

import argparse
import socketserver
import struct
import sys
import threading
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TSIG
import dns.rrset
import dns.serial
import dns.tsig
import dns.update
import dns.versioned
import dns.xfr

from drtool.errors import BadInput, DrtoolError
from drtool.lab.endpoint import parse_address
from drtool.lab.layout import Address
from drtool.lab.zone import Zone

FUDGE_SECONDS = 300
PEER_SECONDS = 1.0
PEER_TRIES = 3
PEER_PAUSE_SECONDS = 0.05
IDLE_SECONDS = 10.0


class NameServer:
    """Turns one message into its reply; knows nothing of sockets."""

    def __init__(self, zone: Zone, key: dns.tsig.Key) -> None:
        self.zone, self.key = zone, key

    def reply(self, wire: bytes, *, tcp: bool) -> bytes | None:
        """The reply to one message; None to what is no question at all."""
        try:
            query = dns.message.from_wire(wire, keyring={self.key.name: self.key})
        except (dns.message.UnknownTSIGKey, dns.tsig.BadKey, dns.tsig.BadAlgorithm):
            return self._turned_away(wire, dns.rcode.BADKEY)
        except dns.tsig.BadSignature:
            return self._turned_away(wire, dns.rcode.BADSIG)
        except dns.tsig.BadTime:
            return self._turned_away(wire, dns.rcode.BADTIME)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(query)
        self._fill(response, query, tcp=tcp)
        limit = 65535 if tcp else max(query.payload, 512)
        return response.to_wire(max_size=limit, prefer_truncation=True)

    def update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        """What an update that came signed is answered; tests put their lies here."""
        return self.zone.update(message)

    def _fill(
        self, response: dns.message.Message, query: dns.message.Message, *, tcp: bool
    ) -> None:
        if isinstance(query, dns.update.UpdateMessage):
            code = self.update(query) if query.had_tsig else dns.rcode.REFUSED
            response.set_rcode(code)
        elif query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            response.set_rcode(dns.rcode.NOTIMP)
        elif query.question[0].rdtype == dns.rdatatype.AXFR:
            if tcp and query.had_tsig and query.question[0].name == self.zone.origin:
                response.flags |= dns.flags.AA
                response.answer = self.zone.all_records()
            else:
                response.set_rcode(dns.rcode.REFUSED)
        else:
            self._answer(response, query.question[0])

    def _answer(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        code, found = self.zone.find(question.name, question.rdtype)
        response.set_rcode(code)
        if code == dns.rcode.REFUSED:
            return
        response.flags |= dns.flags.AA
        if found is not None:
            response.answer.append(found)
        else:
            response.authority.append(self.zone.soa)

    def _turned_away(self, wire: bytes, error: dns.rcode.Rcode) -> bytes:
        """NOTAUTH with the error in the TSIG record, signed only for BADTIME (RFC 8945, 5.2)."""
        query = dns.message.from_wire(wire, keyring=False)
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.NOTAUTH)
        if error == dns.rcode.BADTIME:
            now = struct.pack("!Q", int(time.time()))[2:]
            response.use_tsig(self.key, fudge=FUDGE_SECONDS, tsig_error=error, other_data=now)
            response.request_mac = query.mac or b""
        else:
            record = dns.rdtypes.ANY.TSIG.TSIG(  # type: ignore[no-untyped-call]
                dns.rdataclass.ANY,
                dns.rdatatype.TSIG,
                query.keyalgorithm,
                int(time.time()),
                FUDGE_SECONDS,
                b"",
                query.id,
                error,
                b"",
            )
            response.tsig = dns.rrset.from_rdata(query.keyname or self.key.name, 0, record)
        return response.to_wire()


class Listeners:
    """The server's UDP and TCP sockets on one address: bound at once, served after ``start``."""

    def __init__(self, address: Address) -> None:
        listeners = self
        self.server: NameServer | None = None

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                wire, socket = self.request
                answer = listeners.reply(wire, tcp=False)
                if answer is not None:
                    socket.sendto(answer, self.client_address)

        class Stream(socketserver.StreamRequestHandler):
            timeout = IDLE_SECONDS
            disable_nagle_algorithm = True

            def handle(self) -> None:
                try:
                    while len(size := self.rfile.read(2)) == 2:
                        wire = self.rfile.read(struct.unpack("!H", size)[0])
                        answer = listeners.reply(wire, tcp=True)
                        if answer is None:
                            return
                        self.wfile.write(struct.pack("!H", len(answer)) + answer)
                except OSError:
                    return  # the client went away

        self.tcp = _TcpServer(address, Stream)
        self.address: Address = (address[0], int(self.tcp.server_address[1]))
        self.udp = socketserver.UDPServer(self.address, Datagram)
        self._threads: list[threading.Thread] = []

    def reply(self, wire: bytes, *, tcp: bool) -> bytes | None:
        """The server's reply; None, and so silence, before ``start``."""
        return self.server.reply(wire, tcp=tcp) if self.server is not None else None

    def start(self, server: NameServer) -> None:
        """Answer from now on."""
        self.server = server
        for listener in (self.udp, self.tcp):
            thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait(self) -> None:
        """Go on until the process ends."""
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Stop answering and give the ports back."""
        for listener in (self.udp, self.tcp):
            if self._threads:
                listener.shutdown()
            listener.server_close()
        for thread in self._threads:
            thread.join()


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def catch_up(zone: Zone, key: dns.tsig.Key, peer: Address) -> bool:
    """Take the peer's zone if it answers and has a newer serial; whether it was taken."""
    for _ in range(PEER_TRIES):
        try:
            return _transfer(zone, key, peer)
        except (OSError, EOFError, dns.exception.DNSException):
            time.sleep(PEER_PAUSE_SECONDS)
    return False


def _transfer(zone: Zone, key: dns.tsig.Key, peer: Address) -> bool:
    host, port = peer
    question = dns.message.make_query(zone.origin, dns.rdatatype.SOA)
    question.use_tsig(key)
    answer = dns.query.tcp(question, host, timeout=PEER_SECONDS, port=port)
    soa = answer.find_rrset(answer.answer, zone.origin, dns.rdataclass.IN, dns.rdatatype.SOA)
    if not dns.serial.Serial(soa[0].serial) > dns.serial.Serial(zone.serial):
        return False
    fresh = dns.versioned.Zone(zone.origin, relativize=False)
    wanted = dns.message.make_query(zone.origin, dns.rdatatype.AXFR)
    wanted.use_tsig(key)
    dns.query.inbound_xfr(host, fresh, wanted, port=port, timeout=PEER_SECONDS)
    zone.records = fresh
    zone.save()
    return True


def read_key(name: str, file: Path) -> dns.tsig.Key:
    """The TSIG key from a file that holds its base64 secret; raises BadInput."""
    try:
        return dns.tsig.Key(name, file.read_text(encoding="ascii").strip(), "hmac-sha256")
    except (OSError, ValueError) as error:
        raise BadInput(f"key file {file}", str(error)) from error


def main(arguments: list[str] | None = None) -> int:
    """Serve until ended; prints ``ready`` once it answers."""
    parser = argparse.ArgumentParser(prog="python -m drtool.lab.nameserver", description=__doc__)
    parser.add_argument("--zone", required=True)
    parser.add_argument("--bind", required=True, type=parse_address)
    parser.add_argument("--peer", type=parse_address)
    parser.add_argument("--key-file", required=True, type=Path)
    parser.add_argument("--key-name", default="drtool")
    parser.add_argument("--zone-file", required=True, type=Path)
    given = parser.parse_args(arguments)
    try:
        key = read_key(given.key_name, given.key_file)
        zone = Zone.read(given.zone, given.zone_file)
        # Bound first: what is asked during the transfer waits for the newer zone.
        listeners = Listeners(given.bind)
        if given.peer is not None:
            catch_up(zone, key, given.peer)
        listeners.start(NameServer(zone, key))
    except (DrtoolError, OSError) as error:
        text = error.text() if isinstance(error, DrtoolError) else f"{given.bind}: {error}"
        sys.stderr.write(text + "\n")
        return 2
    host, port = listeners.address
    sys.stdout.write(f"ready {given.zone} {host}:{port} serial {zone.serial}\n")
    sys.stdout.flush()
    listeners.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
