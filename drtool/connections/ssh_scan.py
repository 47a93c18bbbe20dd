"""Look at the key that a host shows, as ssh-keyscan does; believing it is a person's matter."""

from __future__ import annotations

import socket

from drtool.connections.ssh_keys import one_reason
from drtool.connections.ssh_transport import modern_only, quiet
from drtool.errors import MissingExtra, Unreachable


def offered_host_key(address: str, port: int, seconds: float) -> str:
    """The host's public key as ``TYPE BASE64``; nobody logs in.

    Raises Unreachable when no SSH server answers there in time.
    """
    try:
        import paramiko  # noqa: PLC0415 - heavy, and only with the extra
    except ImportError as error:
        raise MissingExtra("SSH", "ssh") from error
    subject = f"ssh at {address}:{port}"
    try:
        reached = socket.create_connection((address, port), seconds)
    except OSError as error:
        raise Unreachable(subject, f"does not answer: {one_reason(error)}") from error
    transport = quiet(paramiko.Transport(reached, **modern_only()), seconds)
    try:
        transport.start_client(timeout=seconds)
        key = transport.get_remote_server_key()
    except (paramiko.SSHException, OSError, EOFError) as error:
        found = f"does not speak SSH in time: {one_reason(error)}"
        raise Unreachable(subject, found) from error
    finally:
        transport.close()
    return f"{key.get_name()} {key.get_base64()}"
