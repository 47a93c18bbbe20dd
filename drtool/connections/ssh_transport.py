"""One SSH connection to a host whose key is pinned; a channel for each command."""

from __future__ import annotations

import contextlib
import logging
import selectors
import shlex
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drtool.connections.silences import Silences
from drtool.connections.ssh_keys import (
    OwnKeys,
    check_host_key,
    load_key,
    one_reason,
    prefer_pinned,
)
from drtool.connections.within import within
from drtool.errors import AccessDenied, DrtoolError, MissingExtra, Unreachable
from drtool.model.inventory import Ssh

KEEPALIVE_SECONDS = 5
# The kernel gives up on unacknowledged data after this long: a host cut off is noticed.
UNACKNOWLEDGED_MS = 15_000
WINDOW_BYTES = 4 * 1024 * 1024
# An end of input that we send may arrive after the library's own answer to the end of a short
# command; OpenSSH then ends the connection, and with it all that runs on it.
_NO_INPUT = " </dev/null"


class AnswerLost(Unreachable):
    """Raised when a command was begun and its end is not known."""


@dataclass(frozen=True)
class Ran:
    """How a command on a host ended; ``code`` is -1 when a signal ended it."""

    code: int
    out: str
    err: str

    def said(self) -> str:
        """The last line it wrote, for a message."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else "it said nothing"


class SshTransport:
    """An authenticated connection, opened anew when it has died; safe to use from threads."""

    def __init__(
        self,
        host: str,
        ssh: Ssh,
        key_file: Path | None,
        connect_seconds: float,
        silences: Silences | None = None,
    ) -> None:
        self.subject = f"ssh host {host} ({ssh.user}@{ssh.address}:{ssh.port})"
        self._ssh, self._key_file, self._seconds = ssh, key_file, connect_seconds
        self._where, self._silences = (ssh.address, ssh.port), silences or Silences()
        self._lock = threading.Lock()
        self._transport: Any = None
        self._left: list[Any] = []

    def connect(self) -> None:
        """Connect, unless connected; raises Unreachable, AccessDenied or BadInput."""
        with self._lock:
            if self._transport is None or not self._transport.is_active():
                self._end()
                self._transport = self._opened()

    def close(self) -> None:
        """End the connection; never raises."""
        with self._lock:
            self._end()
            for transport in self._left:
                with contextlib.suppress(Exception):
                    transport.close()

    def run(self, argv: list[str], seconds: float, feed: bytes = b"", what: str = "") -> Ran:
        """Run one command, its words quoted, and wait for its end.

        Raises Unreachable when the host does not take the command, AnswerLost when its end did
        not come within ``seconds``: what had begun on the host by then may go on there. ``what``
        names the command in messages.
        """
        import paramiko  # noqa: PLC0415 - heavy, and only with the extra

        end, what = time.monotonic() + seconds, what or argv[0]
        late = AnswerLost(self.subject, f"{what} did not end within {seconds:.3g} s")
        channel = self._channel(min(seconds, self._seconds))
        watchdog = threading.Timer(max(end - time.monotonic(), 0.001), channel.close)
        watchdog.daemon = True
        watchdog.start()
        try:
            command = shlex.join(argv)
            channel.exec_command(command if feed else command + _NO_INPUT)
            ran = _ended(channel, feed)
        except (paramiko.SSHException, OSError, EOFError) as error:
            if time.monotonic() >= end:
                raise late from error
            raise AnswerLost(self.subject, f"{what} lost its connection") from error
        finally:
            watchdog.cancel()
            with contextlib.suppress(Exception):
                channel.close()
        if ran.code == -1 and time.monotonic() >= end:
            raise late
        return ran

    def round_trip_seconds(self) -> float:
        """How long the host takes to answer a request that costs it nothing; raises Unreachable."""
        self.connect()
        began = time.monotonic()
        transport = self._transport
        try:
            within(self._seconds, lambda: transport.global_request("keepalive@openssh.com"))
        except TimeoutError as error:
            self._leave(transport)
            raise Unreachable(self.subject, f"says nothing for {self._seconds:g} s") from error
        if not transport.is_active():
            raise Unreachable(self.subject, "lost its connection")
        return time.monotonic() - began

    def _channel(self, seconds: float) -> Any:
        """A channel for one command; where one gives none, another connection is tried, once."""
        import paramiko  # noqa: PLC0415 - as above

        for last in (False, True):
            self.connect()
            transport = self._transport
            try:
                limit = self._silences.patience(self._where, seconds)
                return transport.open_session(window_size=WINDOW_BYTES, timeout=limit)
            except (paramiko.SSHException, OSError, EOFError, AttributeError) as error:
                self._leave(transport)
                if "timeout" in str(error).lower():  # open_session's own, and no error of its kind
                    self._silences.note(self._where)
                if last:
                    raise Unreachable(self.subject, f"no session: {one_reason(error)}") from error
        raise AssertionError

    def _leave(self, transport: Any) -> None:
        """Use it for nothing new; what other threads have on it goes on for as long as it lives."""
        with self._lock:
            if self._transport is transport:
                self._transport = None
                self._left.append(transport)
        with contextlib.suppress(Exception):
            if not transport.is_active():
                transport.close()

    def _opened(self) -> Any:
        """A connection whose host key is the pinned one and which let us in."""
        try:
            import paramiko  # noqa: PLC0415 - heavy, and only with the extra
        except ImportError as error:
            raise MissingExtra("SSH", "ssh") from error
        transport = quiet(paramiko.Transport(self._socket(), **modern_only()), self._seconds)
        try:
            prefer_pinned(transport, self._ssh.host_key)
            transport.start_client(timeout=self._seconds)
            check_host_key(self.subject, self._ssh.host_key, transport.get_remote_server_key())
            self._log_in(transport, paramiko)
        except DrtoolError:
            transport.close()
            raise
        except (paramiko.SSHException, OSError, EOFError) as error:
            transport.close()
            raise self._refusal(error) from error
        transport.set_keepalive(KEEPALIVE_SECONDS)
        self._silences.over(self._where)
        return transport

    def _socket(self) -> socket.socket:
        """A socket that does not wait for more data before it sends.

        A machine that is cut off is asked by every look at a fence: it costs its time once.
        """
        limit = self._silences.patience(self._where, self._seconds)
        try:
            made = socket.create_connection(self._where, limit)
        except OSError as error:
            if isinstance(error, TimeoutError):
                self._silences.note(self._where)
            raise Unreachable(self.subject, f"does not answer: {one_reason(error)}") from error
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        return made

    def _log_in(self, transport: Any, paramiko: Any) -> None:
        """Authenticate with the key file, or with the agent's and the user's own keys."""
        own = OwnKeys(self._seconds, self._silences, paramiko)
        file = self._key_file
        keys = own if file is None else [(str(file), load_key(file, paramiko))]
        tried = []
        for name, key in keys:
            # an agent signs while the host waits, and has its own time for that
            transport.auth_timeout = self._seconds + getattr(key, "seconds", 0.0)
            try:
                transport.auth_publickey(self._ssh.user, key)
            except paramiko.AuthenticationException:
                tried.append(name)
            else:
                return
        where = f"{self._ssh.user}@{self._ssh.address}"
        used = f"turned us away with {', '.join(tried) or 'no key at all'}"
        raise AccessDenied(
            self.subject,
            "; ".join([used, *own.unused]),
            f"a key that {self._ssh.user} accepts",
            f"ssh-copy-id -p {self._ssh.port} {where}",
        )

    def _refusal(self, error: Exception) -> DrtoolError:
        """A failed handshake as one of our errors."""
        reason = one_reason(error)
        if type(error).__name__ == "IncompatiblePeer":
            return AccessDenied(
                self.subject,
                f"no common algorithm: {reason}",
                "an Ed25519, ECDSA or RSA (SHA-2) host key",
            )
        return Unreachable(self.subject, f"does not speak SSH in time: {reason}")

    def _end(self) -> None:
        """Close what is open."""
        if self._transport is not None:
            with contextlib.suppress(Exception):
                self._transport.close()
            self._transport = None


def _ended(channel: Any, feed: bytes) -> Ran:
    """Feed the command, read both its streams side by side, wait for its end."""
    out, err = bytearray(), bytearray()
    if feed:
        channel.sendall(feed)
        channel.shutdown_write()
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while not (channel.eof_received or channel.closed):
            selector.select(0.1)  # a close by the watchdog does not wake it
            _drain(channel, out, err)
    _drain(channel, out, err)
    code = channel.recv_exit_status()
    if code == -1 and not (channel.transport.is_active() and channel.eof_received):
        raise EOFError
    _drain(channel, out, err)
    return Ran(code, out.decode(errors="replace"), err.decode(errors="replace"))


def _drain(channel: Any, out: bytearray, err: bytearray) -> None:
    """Take what has arrived."""
    while channel.recv_ready():
        out += channel.recv(65536)
    while channel.recv_stderr_ready():
        err += channel.recv_stderr(65536)


def modern_only() -> dict[str, Any]:
    """Neither host nor user is believed by a SHA-1 signature."""
    return {"disabled_algorithms": {"keys": ["ssh-rsa"], "pubkeys": ["ssh-rsa"]}}


def quiet(transport: Any, seconds: float) -> Any:
    """Time limits for each part of the handshake, and no traceback of the library's own."""
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = seconds
    transport.daemon = True
    transport.set_log_channel("drtool.ssh")
    logger = logging.getLogger("drtool.ssh")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return transport
