"""TCP ports: whether something accepts connections there."""

from __future__ import annotations

import socket
import time
from typing import Self

from drtool.connections.dns import Names
from drtool.connections.reach import Context, Reader
from drtool.errors import Unreachable
from drtool.model.value import Value

SECONDS = 1.0


class Accepted(Value):
    """That a connection was accepted, where, and how long it took."""

    address: str
    port: int
    seconds: float


class TcpReader(Reader):
    """Connects and hangs up; sends nothing."""

    def __init__(self, names: Names) -> None:
        self._names = names

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Ready to connect; ``target`` is empty, for each call names its host."""
        del target
        return cls(Names(context))

    def close(self) -> None:
        """Let the zone's servers go."""
        self._names.close()

    def address(self, host: str) -> str:
        """The address that a host has now; raises Unreachable when it has none."""
        return self._names.address(host)

    def connect(self, host: str, port: int, seconds: float = SECONDS) -> Accepted:
        """Connect to the address that the host has now; raises Unreachable with the reason."""
        address = self._names.address(host)
        began = time.monotonic()
        try:
            with socket.create_connection((address, port), seconds):
                took = time.monotonic() - began
        except TimeoutError as error:
            raise Unreachable(
                f"{host} ({address}:{port})", f"does not answer within {seconds:g} s"
            ) from error
        except OSError as error:
            raise Unreachable(
                f"{host} ({address}:{port})", error.strerror or type(error).__name__
            ) from error
        return Accepted(address=address, port=port, seconds=round(took, 6))
