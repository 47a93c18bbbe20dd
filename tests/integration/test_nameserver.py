from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update
import dns.xfr
import dns.zone
import pytest

ZONE = """\
lab.test. 60 IN SOA ns1.lab.test. admin.lab.test. 1 60 60 3600 5
lab.test. 60 IN NS ns1.lab.test.
ns1.lab.test. 60 IN A 127.0.1.1
orders.lab.test. 5 IN A 127.0.1.1
deep.under.lab.test. 5 IN TXT "below"
"""
NAME = "orders.lab.test."


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Kit:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.secret = base64.b64encode(os.urandom(32)).decode()
        self.key_file = directory / "key"
        self.key_file.write_text(self.secret + "\n")
        self.port = free_port()

    def key(self, name: str = "drtool", secret: str | None = None) -> dns.tsig.Key:
        return dns.tsig.Key(name, secret or self.secret, "hmac-sha256")

    def zone_file(self, name: str) -> Path:
        path = self.directory / f"{name}.zone"
        if not path.exists():
            path.write_text(ZONE)
        return path

    @contextmanager
    def running(self, address: str, peer: str) -> Iterator[str]:
        command = [
            *(sys.executable, "-m", "drtool.lab.nameserver", "--zone", "lab.test"),
            *("--bind", f"{address}:{self.port}", "--peer", f"{peer}:{self.port}"),
            *("--key-file", str(self.key_file), "--zone-file", str(self.zone_file(address))),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline()
            finally:
                process.kill()

    def ask(
        self, address: str, name: str = NAME, rdtype: str = "A", *, tcp: bool = False
    ) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype)
        return self.send(address, query, tcp=tcp)

    def send(
        self, address: str, message: dns.message.Message, *, tcp: bool = False
    ) -> dns.message.Message:
        if tcp:
            return dns.query.tcp(message, address, timeout=5, port=self.port)
        return dns.query.udp(message, address, timeout=5, port=self.port)

    def update(self, key: dns.tsig.Key | None = None) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage("lab.test.", keyring=key or self.key())

    def addresses(self, address: str) -> list[str]:
        answer = self.ask(address)
        return [str(value) for rrset in answer.answer for value in rrset]


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


@pytest.fixture
def east(kit: Kit) -> Iterator[str]:
    with kit.running("127.0.1.1", "127.0.2.1") as ready:
        assert ready == f"ready lab.test 127.0.1.1:{kit.port} serial 1\n"
        yield "127.0.1.1"


@pytest.mark.parametrize("tcp", [False, True])
def test_answers_with_ttl_and_authority(kit: Kit, east: str, *, tcp: bool) -> None:
    answer = kit.ask(east, tcp=tcp)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.answer[0].ttl == 5
    assert [str(value) for value in answer.answer[0]] == ["127.0.1.1"]
    for rdtype in ("SOA", "NS"):
        assert kit.ask(east, "lab.test.", rdtype, tcp=tcp).answer
    assert kit.ask(east, "deep.under.lab.test.", "TXT", tcp=tcp).answer


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        ("nothing.lab.test.", "A", dns.rcode.NXDOMAIN),
        (NAME, "TXT", dns.rcode.NOERROR),
        ("under.lab.test.", "A", dns.rcode.NOERROR),
        ("elsewhere.test.", "A", dns.rcode.REFUSED),
    ],
)
def test_says_why_there_is_no_answer(
    kit: Kit, east: str, name: str, rdtype: str, rcode: dns.rcode.Rcode
) -> None:
    answer = kit.ask(east, name, rdtype)
    assert answer.rcode() == rcode
    assert not answer.answer
    assert bool(answer.authority) == (rcode != dns.rcode.REFUSED)


@pytest.mark.parametrize("tcp", [False, True])
def test_an_update_whose_prerequisite_holds_is_applied_and_saved(
    kit: Kit, east: str, *, tcp: bool
) -> None:
    update = kit.update()
    update.present(NAME, "A", "127.0.1.1")
    update.replace(NAME, 3, "A", "127.0.2.1")
    assert kit.send(east, update, tcp=tcp).rcode() == dns.rcode.NOERROR
    answer = kit.ask(east)
    assert (str(answer.answer[0][0]), answer.answer[0].ttl) == ("127.0.2.1", 3)
    saved = dns.zone.from_file(str(kit.zone_file(east)), "lab.test.", relativize=False)
    assert [str(value) for value in saved.find_rdataset(NAME, "A")] == ["127.0.2.1"]
    assert saved.get_soa().serial == 2


def _present_value(update: dns.update.UpdateMessage) -> None:
    update.present(NAME, "A", "127.0.9.9")


def _present_part(update: dns.update.UpdateMessage) -> None:
    update.present(NAME, "A", "127.0.1.1", "127.0.9.9")


def _present_type(update: dns.update.UpdateMessage) -> None:
    update.present(NAME, "TXT")


def _present_name(update: dns.update.UpdateMessage) -> None:
    update.present("nothing.lab.test.")


def _absent_type(update: dns.update.UpdateMessage) -> None:
    update.absent(NAME, "A")


def _absent_name(update: dns.update.UpdateMessage) -> None:
    update.absent(NAME)


@pytest.mark.parametrize(
    ("prerequisite", "rcode"),
    [
        (_present_value, dns.rcode.NXRRSET),
        (_present_part, dns.rcode.NXRRSET),
        (_present_type, dns.rcode.NXRRSET),
        (_present_name, dns.rcode.NXDOMAIN),
        (_absent_type, dns.rcode.YXRRSET),
        (_absent_name, dns.rcode.YXDOMAIN),
    ],
)
def test_an_update_whose_prerequisite_fails_changes_nothing(
    kit: Kit, east: str, prerequisite: object, rcode: dns.rcode.Rcode
) -> None:
    update = kit.update()
    assert callable(prerequisite)
    prerequisite(update)
    update.replace(NAME, 5, "A", "127.0.2.1")
    assert kit.send(east, update).rcode() == rcode
    assert kit.addresses(east) == ["127.0.1.1"]


def test_adds_and_deletes_as_the_rfc_says(kit: Kit, east: str) -> None:
    update = kit.update()
    update.add(NAME, 7, "A", "127.0.3.1")
    kit.send(east, update)
    answer = kit.ask(east).answer[0]
    assert ({str(value) for value in answer}, answer.ttl) == ({"127.0.1.1", "127.0.3.1"}, 7)
    update = kit.update()
    update.delete(NAME, "A", "127.0.1.1")
    update.delete("ns1.lab.test.")
    update.delete("lab.test.")
    kit.send(east, update)
    assert kit.addresses(east) == ["127.0.3.1"]
    assert kit.ask(east, "ns1.lab.test.").rcode() == dns.rcode.NXDOMAIN
    assert kit.ask(east, "lab.test.", "SOA").answer


def test_unsigned_and_foreign_updates_are_turned_away(kit: Kit, east: str) -> None:
    unsigned = dns.update.UpdateMessage("lab.test.")
    unsigned.replace(NAME, 5, "A", "127.0.2.1")
    assert kit.send(east, unsigned).rcode() == dns.rcode.REFUSED
    other_zone = dns.update.UpdateMessage("else.test.", keyring=kit.key())
    other_zone.replace("orders.else.test.", 5, "A", "127.0.2.1")
    assert kit.send(east, other_zone).rcode() == dns.rcode.NOTAUTH
    outside = kit.update()
    outside.replace("orders.else.test.", 5, "A", "127.0.2.1")
    assert kit.send(east, outside).rcode() == dns.rcode.NOTZONE
    assert kit.addresses(east) == ["127.0.1.1"]


def test_a_wrong_key_is_named(kit: Kit, east: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = base64.b64encode(b"x" * 32).decode()
    for key, error in (
        (kit.key("stranger"), dns.tsig.PeerBadKey),
        (kit.key(secret=wrong), dns.tsig.PeerBadSignature),
        (dns.tsig.Key("drtool", kit.secret, "hmac-sha512"), dns.tsig.PeerBadKey),
    ):
        update = kit.update(key)
        update.replace(NAME, 5, "A", "127.0.2.1")
        with pytest.raises(error):
            kit.send(east, update)
    hour_ago = time.time() - 3600
    monkeypatch.setattr("time.time", lambda: hour_ago)
    update = kit.update()
    update.replace(NAME, 5, "A", "127.0.2.1")
    with pytest.raises(dns.tsig.PeerBadTime):
        kit.send(east, update, tcp=True)
    assert kit.addresses(east) == ["127.0.1.1"]


def test_the_zone_is_given_only_to_who_signs_the_question(kit: Kit, east: str) -> None:
    query = dns.message.make_query("lab.test.", "AXFR")
    assert kit.send(east, query, tcp=True).rcode() == dns.rcode.REFUSED
    query.use_tsig(kit.key())
    zone = dns.zone.Zone("lab.test.", relativize=False)
    dns.query.inbound_xfr(east, zone, query, port=kit.port, timeout=5)
    assert zone.find_rdataset(NAME, "A").ttl == 5
    assert zone.find_rdataset("deep.under.lab.test.", "TXT")


def test_a_server_that_returns_takes_its_peers_newer_zone(kit: Kit, east: str) -> None:
    update = kit.update()
    update.replace(NAME, 5, "A", "127.0.2.1")
    kit.send(east, update)
    assert kit.zone_file("127.0.2.1").read_text() == ZONE
    with kit.running("127.0.2.1", "127.0.1.1") as ready:
        assert ready.endswith("serial 2\n")
        assert kit.addresses("127.0.2.1") == ["127.0.2.1"]
    assert "127.0.2.1" in kit.zone_file("127.0.2.1").read_text()


def test_a_server_without_its_peer_or_with_an_older_one_keeps_its_own_zone(kit: Kit) -> None:
    kit.zone_file("127.0.2.1").write_text(ZONE.replace(" 1 60 60", " 9 60 60"))
    with kit.running("127.0.2.1", "127.0.1.1") as alone:
        assert alone.endswith("serial 9\n")
    with kit.running("127.0.1.1", "127.0.2.1"), kit.running("127.0.2.1", "127.0.1.1") as ready:
        assert ready.endswith("serial 9\n")


def test_garbage_is_survived(kit: Kit, east: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"garbage", (east, kit.port))
    with socket.create_connection((east, kit.port)) as stream, suppress(OSError):
        stream.sendall(b"\x00\x04abcd")
        assert stream.recv(10) == b""
    assert kit.addresses(east) == ["127.0.1.1"]


def test_a_missing_zone_file_is_one_line(kit: Kit) -> None:
    command = [
        *(sys.executable, "-m", "drtool.lab.nameserver", "--zone", "lab.test"),
        *("--bind", f"127.0.1.1:{kit.port}", "--key-file", str(kit.key_file)),
        *("--zone-file", str(kit.directory / "none")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "none" in done.stderr
    assert "Traceback" not in done.stderr
