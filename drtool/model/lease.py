"""Where the right to act on a service is kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drtool.model.secret import SecretRef
from drtool.model.value import Name, Value
from drtool.model.words import Plain, Url

ArbiterKind = Literal["postgresql", "dns", "file", "dynamodb", "journal"]
FreezeKind = Literal["dns", "file", "dynamodb"]


class DynamodbTable(Value):
    """A DynamoDB table whose partition key is the string ``name``."""

    table: Plain = Field(description="The table; its partition key is the string `name`.")
    region: Plain = Field(description="The AWS region where the table is.")
    endpoint_url: Url | None = Field(
        default=None, description="Another endpoint than the region's own."
    )
    key_id: SecretRef | None = Field(
        default=None, description="A reference to the access key's id; default: as the SDK finds."
    )
    secret_key: SecretRef | None = Field(
        default=None, description="A reference to the secret access key, beside `key_id`."
    )


class LeaseAt(Value):
    """Which arbiter says who may act on a service, and where a freeze of it is kept."""

    at: ArbiterKind = Field(
        default="journal",
        description="A session at the database, a record in DNS, a file on a host, an item in "
        "DynamoDB, or this machine's journal.",
    )
    hosts: tuple[Name, ...] = Field(
        default=(),
        description="For `file`: the host at each site that keeps it; default: the site's only "
        "one with ssh.",
    )
    dynamodb: DynamodbTable | None = Field(
        default=None, description="For `dynamodb`: which table, and how it is reached."
    )
    freeze: FreezeKind | None = Field(
        default=None,
        description="Where `drtool freeze` leaves its flag; default: where the lease is, if that "
        "is dns, file or dynamodb.",
    )

    @property
    def flag_at(self) -> FreezeKind | None:
        """Where a freeze is kept; None where nothing can keep one."""
        if self.freeze is not None:
            return self.freeze
        match self.at:
            case "dns" | "file" | "dynamodb" as at:
                return at
            case _:
                return None
