"""The plain words that documents are made of: ports, texts, names of things elsewhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

Port = Annotated[int, Field(ge=1, le=65535)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Plain = Annotated[str, StringConstraints(pattern=r"^[^-\s][^\s]*$", max_length=4096)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
HostKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp\d+|rsa-sha2-\d+|ssh-rsa) [A-Za-z0-9+/=]+$"
    ),
]
