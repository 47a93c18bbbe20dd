"""Which machine a journal belongs to."""

from __future__ import annotations

import hashlib
import platform
import uuid
from pathlib import Path

_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_MULTICAST = 1 << 40


def machine_id() -> str:
    """A stable name of this machine, hashed as machine-id(5) asks of applications.

    Without a machine-id file it is the network card's address, and without one the host name.
    """
    return hashlib.sha256(f"drtool journal {_source()}".encode()).hexdigest()[:32]


def _source() -> str:
    for file in _FILES:
        try:
            text = file.read_text(encoding="ascii").strip()
        except (FileNotFoundError, PermissionError, UnicodeDecodeError):
            continue  # anything else, such as too many open files, must not look like a copy
        if text and text != "uninitialized":
            return text
    node = uuid.getnode()
    return platform.node() if node & _MULTICAST else f"{node:012x}"
