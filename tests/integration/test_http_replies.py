"""Replies that cannot be read and requests that cannot be sent, against a real socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from drtool.connections.http import HttpHands
from drtool.connections.secrets import Secrets
from drtool.errors import BadInput, InDoubt, Unreachable
from drtool.redact import Redactor


class Server(ThreadingHTTPServer):
    """Answers every request with the same bytes; knows how many it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers: dict[str, str] = {}
        self.body = b""
        self.asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        self.server.asked += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = _answer  # noqa: N815 - the server's names

    def log_message(self, *args: object) -> None:
        pass


class Here:
    """Knows one address."""

    def address(self, name: str) -> str:
        del name
        return "127.0.0.1"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def hands() -> HttpHands:
    names: Any = Here()
    return HttpHands(names, Secrets(Redactor()))


def url(server: Server) -> str:
    return f"http://orders.test:{server.server_port}/"


def broken(server: Server) -> None:
    server.headers, server.body = {"Content-Encoding": "gzip"}, b"hello"


def test_an_answer_that_cannot_be_read_is_no_answer_yet(server: Server, hands: HttpHands) -> None:
    broken(server)
    with pytest.raises(Unreachable, match="its answer cannot be read"):
        hands.get(url(server))
    assert server.asked == 1


def test_a_request_whose_answer_cannot_be_read_is_in_doubt(
    server: Server, hands: HttpHands
) -> None:
    broken(server)
    with pytest.raises(InDoubt, match="its answer cannot be read"):
        hands.send("POST", url(server), "{}")
    assert server.asked == 1


@pytest.mark.parametrize("value", ["Bearer \u00e4bc", "Bearer abc\n", "Bearer 'a\\bc\n"])
def test_a_header_that_cannot_be_sent_is_bad_input_and_not_shown(
    server: Server, hands: HttpHands, value: str
) -> None:
    with pytest.raises(BadInput, match="was not sent") as raised:
        hands.send("POST", url(server), "{}", headers={"Authorization": value})
    assert "Bearer" not in raised.value.text()
    assert "bc" not in raised.value.text()
    assert server.asked == 0


def test_a_header_name_that_cannot_be_sent_is_named(server: Server, hands: HttpHands) -> None:
    with pytest.raises(BadInput, match="X y"):
        hands.send("POST", url(server), "{}", headers={"X y": "a"})
    assert server.asked == 0


@pytest.mark.parametrize("charset", ["idna", "hex", "nonsense"])
def test_a_body_in_no_encoding_of_texts_is_read_all_the_same(
    server: Server, hands: HttpHands, charset: str
) -> None:
    server.headers = {"Content-Type": f"text/plain; charset={charset}"}
    server.body = b"welcome \xff"
    assert hands.get(url(server)).body == "welcome \ufffd"
