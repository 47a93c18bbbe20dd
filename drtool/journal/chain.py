"""The hash chain over all events of a journal.

One chain runs through the whole journal, so that not even a whole run can be taken out unseen.
The hash of an entry is SHA-256 over the hash before it (32 bytes, zeros for the first), the
entry's number in the journal (8 bytes, big-endian) and the stored text, which is the event as
JSON in UTF-8 and holds run, sequence and time. Verifying needs nothing but the stored bytes.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

ROOT = bytes(32)


class Head(NamedTuple):
    """The last entry of a journal: its number and hash; number 0 and zeros when it is empty."""

    seq: int = 0
    sha256: str = ROOT.hex()


def link(before: bytes, seq: int, text: str) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(before + seq.to_bytes(8, "big") + text.encode()).digest()
