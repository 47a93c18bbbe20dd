"""The plain words that documents are made of: ports, texts, names of things elsewhere."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints


def reason_no_ipv4(text: str) -> str | None:
    """A sentence unless a text is an address that an A record can hold."""
    try:
        IPv4Address(text)
    except ValueError:
        return f"{text!r} is no IPv4 address"
    return None


def _ipv4(text: str) -> str:
    reason = reason_no_ipv4(text)
    if reason is not None:
        msg = f"{reason}; drtool writes A records, as 192.0.2.1"
        raise ValueError(msg)
    return text


Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Plain = Annotated[str, StringConstraints(pattern=r"^[^-\s][^\s]*$", max_length=4096)]
Ipv4 = Annotated[str, AfterValidator(_ipv4)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
HostKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp\d+|rsa-sha2-\d+|ssh-rsa) [A-Za-z0-9+/=]+$"
    ),
]
