from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path

from drtool.compiler.health import health


@contextmanager
def answering(version: object, late: object) -> Iterator[dict[str, str]]:
    """An API that gives these answers; what the environment says of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(version)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(late)

        def answer(self, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"PREFECT_API_URL": f"http://127.0.0.1:{server.server_port}/api"}
        server.shutdown()


def test_no_api_is_no_url(tmp_path: Path) -> None:
    found = health(tmp_path, {})
    assert (found.url, found.client) == ("", metadata.version("prefect"))


def test_an_api_is_told_with_its_version_and_its_backlog(tmp_path: Path) -> None:
    with answering("3.8.8", 4) as environ:
        found = health(tmp_path, environ)
    assert (found.server, found.late, found.trouble, found.ours) == ("3.8.8", 4, "", False)


def test_another_service_at_that_port_is_no_api(tmp_path: Path) -> None:
    with answering("hello", {"detail": "?"}) as environ:
        assert health(tmp_path, environ).trouble == "is no Prefect API"


def test_a_closed_port_is_told(tmp_path: Path) -> None:
    with answering("3.8.8", 0) as environ:
        pass
    assert "refused" in health(tmp_path, environ).trouble
