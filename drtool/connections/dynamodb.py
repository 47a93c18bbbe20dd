"""An item of a DynamoDB table as a cell; boto3 is imported only when one is used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Self, TypeVar

from drtool.connections.cell import Kept
from drtool.connections.reach import Context
from drtool.errors import AccessDenied, BadInput, DrtoolError, MissingExtra, StepFailed, Unreachable
from drtool.model.lease import DynamodbTable

T = TypeVar("T")
CONNECT_SECONDS = 2.0
READ_SECONDS = 2.0
_ATTEMPTS = 2
_TURNED_AWAY = frozenset({
    "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException",
    "ExpiredTokenException", "MissingAuthenticationTokenException",
    "InvalidClientTokenId", "IncompleteSignature",
})  # fmt: skip
_BUSY = frozenset({
    "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
    "InternalServerError", "ServiceUnavailable",
})  # fmt: skip


class DynamodbCell:
    """A text in one item, exchanged by a write that is conditional on the item's version.

    The attributes: ``name`` (the key), ``version``, which grows by one with each write, ``text``.
    """

    def __init__(self, client: Any, table: DynamodbTable, name: str, context: Context) -> None:
        self._client, self._table, self._name, self._clock = client, table, name, context.clock

    @classmethod
    def open(cls, table: DynamodbTable, name: str, context: Context) -> Self:
        """An item by its name; raises MissingExtra, AccessDenied or BadInput."""
        return cls(_client(table, context), table, name, context)

    @property
    def where(self) -> str:
        """The table and its region."""
        return f"dynamodb {self._table.table} in {self._table.region}"

    def read(self) -> Kept:
        """The item's text, as of the last write that was acknowledged."""
        answer = self._asked(
            lambda: self._client.get_item(
                TableName=self._table.table, Key={"name": {"S": self._name}}, ConsistentRead=True
            )
        )
        item = answer.get("Item")
        if item is None:
            return Kept()
        try:
            return Kept(values=(item["text"]["S"],), serial=int(item["version"]["N"]))
        except (KeyError, ValueError) as error:
            raise StepFailed(
                self.where, f"the item {self._name} is none that drtool wrote: {sorted(item)}"
            ) from error

    def exchange(self, old: Kept, new: str) -> bool:
        """Write the item's next version; False when somebody else has."""
        item = {
            "name": {"S": self._name},
            "version": {"N": str(old.serial + 1)},
            "text": {"S": new},
        }
        told: dict[str, Any] = {
            "ConditionExpression": "attribute_not_exists(#name)",
            "ExpressionAttributeNames": {"#name": "name"},
        }
        if old.serial:
            told = {
                "ConditionExpression": "#version = :old",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":old": {"N": str(old.serial)}},
            }
        try:
            self._asked(
                lambda: self._client.put_item(TableName=self._table.table, Item=item, **told)
            )
        except _AnotherVersionError:
            return False
        return True

    def now(self) -> datetime:
        """Our own time, which nobody judges by: DynamoDB has no clock that could be asked."""
        return self._clock.wall()

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _asked(self, call: Callable[[], T]) -> T:
        """What a call gives; every error as one of ours."""
        from botocore import exceptions  # noqa: PLC0415 - heavy, and only with the extra

        try:
            return call()
        except exceptions.ClientError as error:
            raise self._refusal(error) from error
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise AccessDenied(
                self.where,
                "the AWS SDK finds no credentials",
                "a profile, a role, the usual variables, or key_id and secret_key in the inventory",
                "aws sts get-caller-identity",
            ) from error
        except exceptions.BotoCoreError as error:
            raise Unreachable(self.where, f"does not answer: {' '.join(str(error).split())}") from (
                error
            )

    def _refusal(self, error: Any) -> DrtoolError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        said = str(error.response.get("Error", {}).get("Message", ""))
        if code == "ConditionalCheckFailedException":
            return _AnotherVersionError(self.where, "another version is there by now")
        if code in _TURNED_AWAY:
            hint = "allow dynamodb:GetItem and dynamodb:PutItem on the table"
            return AccessDenied(self.where, f"turned us away: {said} ({code})", hint=hint)
        if code == "ResourceNotFoundException":
            return BadInput(self.where, "there is no such table", hint=self._create())
        if code in _BUSY:
            return Unreachable(self.where, f"is busy: {said} ({code})")
        return StepFailed(self.where, f"{said} ({code})")

    def _create(self) -> str:
        return (
            f"aws dynamodb create-table --region {self._table.region} "
            f"--table-name {self._table.table} --billing-mode PAY_PER_REQUEST "
            "--attribute-definitions AttributeName=name,AttributeType=S "
            "--key-schema AttributeName=name,KeyType=HASH"
        )


class _AnotherVersionError(StepFailed):
    """Raised when the condition of a write does not hold."""


def _client(table: DynamodbTable, context: Context) -> Any:
    """A client with time limits, whose credentials are the inventory's or the SDK's own."""
    try:
        from boto3.session import Session  # noqa: PLC0415 - heavy, and only with the extra
        from botocore.config import Config  # noqa: PLC0415 - as above
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingExtra("DynamoDB", "aws") from error
    resolve = context.secrets.resolve
    try:
        session = Session(
            aws_access_key_id=resolve(table.key_id) if table.key_id else None,
            aws_secret_access_key=resolve(table.secret_key) if table.secret_key else None,
        )
        return _made(session, table, Config)
    except BotoCoreError as error:
        said = " ".join(str(error).split())
        raise BadInput(f"dynamodb {table.table}", f"the AWS SDK cannot be used: {said}") from error


def _made(session: Any, table: DynamodbTable, config: Any) -> Any:
    return session.client(
        "dynamodb",
        region_name=table.region,
        endpoint_url=table.endpoint_url,
        config=config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        ),
    )
