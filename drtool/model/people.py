"""Who may do what, and the keys by which people prove who they are."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from drtool.model.notify import Mention
from drtool.model.public_key import PersonKey, key_alone
from drtool.model.value import Value
from drtool.model.words import Text


class Right(Enum):
    """What a person may do."""

    OPERATE = "operate"
    REHEARSE = "rehearse"
    APPROVE = "approve"


class Person(Value):
    """A person, the keys that sign for them, and what they may do."""

    keys: tuple[PersonKey, ...] = Field(
        default=(), description="Public SSH keys, each the one line of a .pub file."
    )
    may: tuple[Right, ...] = Field(
        default=(),
        description="operate (start and steer runs), rehearse (drills), approve (consent).",
    )
    slack: Mention | None = Field(
        default=None, description="Whom to call there when this person is asked: U0123."
    )

    def has(self, key: str) -> bool:
        """Whether a public key is one of theirs."""
        return key_alone(key) in {key_alone(own) for own in self.keys}


class Role(Value):
    """People who may be asked, and who stands in for them."""

    people: tuple[Text, ...] = Field(description="Who may be asked.")
    deputies: tuple[Text, ...] = Field(default=(), description="Who stands in for them.")
    needs: int | None = Field(
        default=None, ge=1, description="How many of them must approve; without it, one."
    )

    @property
    def members(self) -> tuple[str, ...]:
        """All who may answer, each once."""
        return tuple(dict.fromkeys((*self.people, *self.deputies)))
