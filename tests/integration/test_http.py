"""HTTP and TCP as a customer sees them, against real sockets."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from dns_pair import ADDRESSES, NAME, DnsPair, Silence, carry_out, free_port

from drtool.actions.dns import Redirect
from drtool.actions.http import Answers, Request
from drtool.actions.tcp import Answers as TcpAnswers
from drtool.connections.http import HttpHands, HttpReader
from drtool.connections.tcp import TcpReader
from drtool.errors import AccessDenied, BadInput, InDoubt, StepFailed, Unreachable
from drtool.lab.keys import make_secrets
from drtool.lab.layout import SITES, Layout

EAST, WEST = ADDRESSES["east"], ADDRESSES["west"]


class Site:
    """A web server at one address that remembers what it was asked."""

    def __init__(self, address: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[tuple[str, str, dict[str, str], str]] = []
        self.release = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                site.heard.append((self.command, self.path, dict(self.headers), body))
                match self.path:
                    case "/lost":
                        self.close_connection = True
                        return
                    case "/slow":
                        site.release.wait(5)
                    case "/drip":
                        self.send_response(200)
                        self.end_headers()
                        while not site.release.wait(0.05):
                            self.wfile.write(b".")
                        return
                    case "/moved":
                        self.send_response(302)
                        self.send_header("Location", "/")
                self.send_response(200) if self.path != "/moved" else None
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(f"hello from {address}".encode())

            do_GET = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815 - the server's names

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def sites(port: int) -> Iterator[dict[str, Site]]:
    found = {name: Site(address, port) for name, address in ADDRESSES.items()}
    yield found
    for site in found.values():
        site.close()


def test_it_follows_the_zones_servers_and_keeps_the_name(
    both: DnsPair, sites: dict[str, Site], port: int
) -> None:
    hands = both.hands(url=f"http://{NAME}:{port}")
    check = Answers(path="/page?x=1", contains=("hello from",))
    seen = check.observe(hands)
    assert (seen.address, seen.body) == (EAST, f"hello from {EAST}")
    carry_out(Redirect(), hands)
    seen = check.observe(hands)
    assert (seen.address, seen.body) == (WEST, f"hello from {WEST}")
    assert check.judge(seen, hands.facts) is None
    method, path, headers, _ = sites["west"].heard[0]
    assert (method, path, headers["Host"]) == ("GET", "/page?x=1", f"{NAME}:{port}")
    seen = Answers(method="HEAD").observe(hands)
    assert (seen.status, seen.body) == (200, "")


def test_a_redirection_is_an_answer(both: DnsPair, sites: dict[str, Site], port: int) -> None:
    hands = both.hands(url=f"http://{NAME}:{port}")
    check = Answers(path="/moved")
    assert "answered 302" in str(check.judge(check.observe(hands), hands.facts))
    assert len(sites["east"].heard) == 1


def test_a_request_is_sent_once_with_its_key_and_secret(
    both: DnsPair, sites: dict[str, Site], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "canary-value")
    hands = both.hands(url=f"http://{NAME}:{port}")
    step = Request.model_validate(
        {"path": "/hook", "body": {"a": 1}, "headers": {"X-Token": {"secret": "env:HOOK_TOKEN"}}}
    )
    assert "canary" not in str(step.preview(hands.facts))
    assert step.run(hands).status == 200
    method, path, headers, body = sites["east"].heard[0]
    assert (method, path, body) == ("POST", "/hook", '{"a": 1}')
    assert headers["X-Token"] == "canary-value"
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == f"{hands.facts.run}-{hands.facts.step}"
    assert len(sites["east"].heard) == 1


def test_a_lost_reply_is_in_doubt_and_a_refused_connection_is_not(
    both: DnsPair, sites: dict[str, Site], port: int
) -> None:
    http = both.hands().reach(HttpHands, "")
    with pytest.raises(InDoubt, match=f"POST http://{NAME}:{port}/lost at {EAST}"):
        http.send("POST", f"http://{NAME}:{port}/lost", "{}")
    assert len(sites["east"].heard) == 1, "the request was sent"
    with pytest.raises(InDoubt, match=r"no whole reply within 0\.3 s"):
        http.send("POST", f"http://{NAME}:{port}/slow", "{}", seconds=0.3)
    with pytest.raises(Unreachable, match="refused"):
        http.send("POST", f"http://{NAME}:1/", "{}")
    with pytest.raises(Unreachable, match="no whole reply"):
        http.get(f"http://{NAME}:{port}/slow", 0.3)


def test_a_page_that_drips_ends_at_the_limit(
    both: DnsPair, sites: dict[str, Site], port: int
) -> None:
    reader = both.hands().reach(HttpReader, "")
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"no whole reply within 0\.5 s"):
        reader.get(f"http://{NAME}:{port}/drip", 0.5)
    assert time.monotonic() - began < 1.5
    assert sites["east"].heard


def test_a_silent_server_is_given_up_at_the_limit(both: DnsPair, port: int) -> None:
    silence = Silence(EAST, port)
    try:
        with pytest.raises(Unreachable, match=r"no whole reply within 0\.3 s"):
            both.hands().reach(HttpReader, "").get(f"http://{NAME}:{port}/", 0.3)
        assert both.hands().reach(TcpReader, "").connect(NAME, port).address == EAST
    finally:
        silence.close()


def test_what_is_no_url_is_bad_input(both: DnsPair) -> None:
    reader = both.hands().reach(HttpReader, "")
    for url in ("ftp://x.test/", "http://", "orders", "http://x.test:99999/"):
        with pytest.raises(BadInput):
            reader.get(url)


def test_tcp_answers(both: DnsPair, sites: dict[str, Site], port: int) -> None:
    hands = both.hands()
    check = TcpAnswers(port=port)
    seen = check.observe(hands)
    assert (seen.address, seen.port) == (EAST, port)
    assert check.judge(seen, hands.facts) is None
    with pytest.raises(Unreachable, match=rf"{NAME} \({EAST}:1\): Connection refused"):
        TcpAnswers(port=1).observe(hands)
    assert not sites["east"].heard


def test_tls_is_verified_against_the_name_and_the_given_authority(
    both: DnsPair, port: int, tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "lab")
    for directory in (layout.secrets, *(layout.controller(site) for site in SITES)):
        directory.mkdir(parents=True)
    for site in SITES:
        layout.site(site).host_key.parent.mkdir(parents=True, exist_ok=True)
    make_secrets(layout)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own = layout.controller("east")
    tls.load_cert_chain(own / "certificate.pem", own / "key.pem")
    server = Site(EAST, port, tls)
    reader, ca_file = both.hands().reach(HttpReader, ""), str(layout.ca)
    try:
        assert reader.get(f"https://{EAST}:{port}/", 2, ca_file).status == 200
        with pytest.raises(AccessDenied, match="certificate is not believed") as caught:
            reader.get(f"https://{EAST}:{port}/")
        assert "ca_file" in caught.value.hint
        with pytest.raises(AccessDenied, match=f"[Hh]ostname mismatch.*{NAME}"):
            reader.get(f"https://{NAME}:{port}/", 2, ca_file)
        with pytest.raises(BadInput, match=r"ca_file .*none\.pem: No such file"):
            reader.get(f"https://{EAST}:{port}/", 2, "none.pem")
        with pytest.raises((StepFailed, Unreachable)):
            reader.get(f"http://{EAST}:{port}/", 1)
        assert len(server.heard) == 1
    finally:
        server.close()
