"""drtool's own Prefect server: start, stop, status."""

from __future__ import annotations

from drtool.bootstrap import build
from drtool.compiler import server
from drtool.compiler.server import ServerStatus
from drtool.journal.home import secure_directory


def start(port: int) -> ServerStatus:
    """Bring the server up and warm it; raises DrtoolError when it does not come up."""
    return server.start(secure_directory(build().home), port)


def stop() -> bool:
    """Take the server down; whether one ran."""
    return server.stop(build().home).running


def status() -> ServerStatus:
    """Whether the server runs and answers."""
    return server.status(build().home)
