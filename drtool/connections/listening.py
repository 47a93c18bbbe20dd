"""Whether anything takes connections at an address; says nothing about who may write there."""

from __future__ import annotations

import socket


def takes_connections(address: str, port: int, seconds: float) -> bool:
    """Whether a TCP connection is accepted within the time limit."""
    try:
        socket.create_connection((address, port), seconds).close()
    except OSError:
        return False
    return True
