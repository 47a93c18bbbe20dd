"""Public SSH keys as they stand in an inventory: ``TYPE BASE64 [COMMENT]``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

ECDSA = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
SK = ("sk-ssh-ed25519@openssh.com",)
KINDS = ("ssh-ed25519", *ECDSA, "ssh-rsa", *SK)
RSA_BITS = 2048
_LIKE = "the one line of a .pub file: ssh-ed25519 AAAA..."


def reason_not_a_person_key(text: str) -> str | None:
    """Why a text is no public key that may sign, with a hint behind a semicolon.

    The text itself is never repeated: it may be a private key, pasted by mistake.
    """
    if "PRIVATE KEY" in text or "b3BlbnNzaC1rZXktdjE" in text:
        return "is a private key; make a new pair, and write the one line of its .pub file"
    kind, _, rest = text.strip().partition(" ")
    if kind in {"ssh-dss", "ssh-dsa"}:
        return "is a DSA key, which is too weak; ssh-keygen -t ed25519 makes a good one"
    if kind not in KINDS or not rest or "\n" in text:
        return f"is not a public key; {_LIKE}"
    try:
        blob = base64.b64decode(rest.split()[0], validate=True)
        parts = fields_of(blob)
    except (binascii.Error, struct.error, ValueError):
        return f"is not a public key, or is cut short; {_LIKE}"
    return _reason_of(kind, parts)


def _reason_of(kind: str, parts: list[bytes]) -> str | None:
    if parts[0] != kind.encode() or len(parts) != _FIELDS.get(kind, 3):
        return f"is not a public key of the kind {kind}; {_LIKE}"
    if kind == "ssh-ed25519" and len(parts[1]) != 32:
        return f"is cut short; {_LIKE}"
    if kind == "ssh-rsa" and (bits := int.from_bytes(parts[2]).bit_length()) < RSA_BITS:
        return f"is an RSA key of {bits} bits, which is too short; ssh-keygen -t ed25519"
    return None


_FIELDS = {"ssh-ed25519": 2}


def fields_of(blob: bytes) -> list[bytes]:
    """The strings that a blob is made of (RFC 4251, section 5); raises ValueError or struct.error.

    A trailing part that is no whole string is an error.
    """
    found, at = [], 0
    while at < len(blob):
        (length,) = struct.unpack_from(">I", blob, at)
        if at + 4 + length > len(blob):
            msg = "cut short"
            raise ValueError(msg)
        found.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    if not found:
        msg = "empty"
        raise ValueError(msg)
    return found


def key_alone(text: str) -> str:
    """A key without its comment."""
    return " ".join(text.split()[:2])


def blob_of(text: str) -> bytes:
    """The bytes of a key; raises binascii.Error for what is no key."""
    return base64.b64decode(text.split()[1], validate=True)


def fingerprint_of(text: str) -> str:
    """A key's fingerprint as ``ssh-keygen -l`` shows it."""
    digest = hashlib.sha256(blob_of(text)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _checked(text: str) -> str:
    reason = reason_not_a_person_key(text)
    if reason is not None:
        raise ValueError(reason)
    return text.strip()


PersonKey = Annotated[str, StringConstraints(max_length=8192), AfterValidator(_checked)]
