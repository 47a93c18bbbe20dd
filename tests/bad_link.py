"""Links that are slow, lose packets, fall silent or drip: a proxy before a real server.

TCP hides a lost packet behind a stall, so that is what a loss is here; a datagram is gone.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

STALL_SECONDS = 0.3


@dataclass(frozen=True)
class Quality:
    """What a link does to what passes: ``loss`` is the part that is lost, of each piece sent."""

    delay: float = 0.0
    loss: float = 0.0
    seed: int = 1


class BadLink:
    """A TCP and UDP port that leads to another one, more or less."""

    def __init__(self, to: tuple[str, int], quality: Quality, address: str) -> None:
        self.to, self.quality, self.address = to, quality, address
        self.taken = self.stalled = self.lost = self.passed = 0
        self.dripping = False
        self._dice = random.Random(quality.seed)
        self._open, self._over = threading.Event(), threading.Event()
        self._open.set()
        self._tcp, self._udp, self.port = _sockets(address)
        for target in (self._accept, self._datagrams):
            threading.Thread(target=target, name="bad link", daemon=True).start()

    def freeze(self) -> None:
        """From now on connections are taken, and nothing passes: they are half open."""
        self._open.clear()

    def drip(self) -> None:
        """From now on answers come byte by byte, one each third of a second."""
        self.dripping = True

    def close(self) -> None:
        self._over.set()
        self._open.set()
        for sock in (self._tcp, self._udp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._tcp.accept()
                self.taken += 1
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self.to, 5) as onward:
            onward.settimeout(None)
            back = threading.Thread(target=self._pump, args=(onward, client, True), daemon=True)
            back.start()
            self._pump(client, onward, answers=False)
            back.join()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                time.sleep(self.quality.delay)
                if self._loses():
                    self.stalled += 1
                    time.sleep(STALL_SECONDS)
                self._send(target, data, drip=answers and self.dripping)
            target.shutdown(socket.SHUT_WR)

    def _send(self, target: socket.socket, data: bytes, *, drip: bool) -> None:
        for part in [data[at : at + 1] for at in range(len(data))] if drip else [data]:
            self._open.wait()
            if self._over.wait(0.33 if drip else 0):
                return
            target.sendall(part)
            self.passed += len(part)

    def _datagrams(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, peer = self._udp.recvfrom(65536)
                if self._loses() or not self._open.is_set():
                    self.lost += 1
                    continue
                threading.Thread(target=self._carry, args=(data, peer), daemon=True).start()

    def _carry(self, data: bytes, peer: tuple[str, int]) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.sendto(data, self.to)
            answer = sock.recv(65536)
            time.sleep(2 * self.quality.delay)
            if self._loses() or not self._open.is_set():
                self.lost += 1
            else:
                self._udp.sendto(answer, peer)

    def _loses(self) -> bool:
        return self._dice.random() < self.quality.loss


def _sockets(address: str) -> tuple[socket.socket, socket.socket, int]:
    """One port for both, on an address."""
    while True:
        tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp.bind((address, 0))
        port = tcp.getsockname()[1]
        try:
            udp.bind((address, port))
        except OSError:
            tcp.close()
            udp.close()
            continue
        tcp.listen(64)
        return tcp, udp, port


@contextlib.contextmanager
def bad_link(
    to: tuple[str, int], quality: Quality | None = None, address: str = "127.0.0.1"
) -> Iterator[BadLink]:
    """The link, until the block is over."""
    made = BadLink(to, quality or Quality(), address)
    try:
        yield made
    finally:
        made.close()
