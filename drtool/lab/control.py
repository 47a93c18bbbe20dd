"""Answer requests over a socket in one's own directory; the other side is ``ask``."""

from __future__ import annotations

import json
import os
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

from drtool.lab.ask import SOCKET, Said

_LONGEST = 4096


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def serve(directory: Path, answer: Callable[[str], Said]) -> None:
    """Listen in the directory and answer each line on a thread, until the process ends."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            request = self.rfile.readline(_LONGEST).decode().strip()
            self.wfile.write(json.dumps(answer(request)).encode() + b"\n")

    (directory / SOCKET).unlink(missing_ok=True)
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    server = _Server(f"/proc/self/fd/{held}/{SOCKET}", Handler)
    os.close(held)
    threading.Thread(target=server.serve_forever, args=(0.5,), daemon=True).start()
