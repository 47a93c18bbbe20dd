"""Whose certificates our HTTP clients believe, and what it means when they do not."""

from __future__ import annotations

import ssl
from pathlib import Path

from drtool.errors import BadInput


def trust(ca_file: Path | None, subject: str) -> ssl.SSLContext:
    """The authorities of a file, or those that the machine believes.

    Raises BadInput when the file, which ``subject`` of the inventory names, cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:
        raise BadInput(f"{subject} {ca_file}", error.strerror or str(error)) from error


def disbelief(error: Exception) -> str | None:
    """Why a server's certificate is not believed; None when the error is another one."""
    text = str(error)
    return text.rpartition("failed: ")[2] if "CERTIFICATE_VERIFY_FAILED" in text else None
