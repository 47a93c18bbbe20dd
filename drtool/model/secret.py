"""References to secrets; the secrets themselves never stand in a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, ValidationError

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


def secrets_in(value: object) -> tuple[SecretRef, ...]:
    """All references below a value, each once; in fields not read yet as a document has them."""
    if isinstance(value, SecretRef):
        return (value,)
    if isinstance(value, dict) and value.keys() == {"secret"}:
        try:
            return (SecretRef.model_validate(value),)
        except ValidationError:
            return ()
    parts: Iterable[object] = ()
    if isinstance(value, BaseModel):
        parts = (getattr(value, name) for name in type(value).model_fields)
    elif isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, tuple | list):
        parts = value
    return tuple(dict.fromkeys(ref for part in parts for ref in secrets_in(part)))
