"""References to secrets; the secrets themselves never stand in a value."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from drtool.model.value import Value


class SecretRef(Value):
    """Where a secret is kept: ``env:NAME``, ``file:PATH`` or ``command:PROGRAM ARG ...``."""

    secret: Annotated[str, StringConstraints(pattern=r"^(env|file|command):\S.*$")] = Field(
        description="env:NAME, file:PATH or command:PROGRAM ARG"
    )

    @property
    def source(self) -> str:
        """``env``, ``file`` or ``command``."""
        return self.secret.partition(":")[0]

    @property
    def name(self) -> str:
        """What stands behind the source."""
        return self.secret.partition(":")[2]
