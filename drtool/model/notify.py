"""Who is told of a run, and by which ways; notices never decide anything."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from drtool.model.secret import SecretRef
from drtool.model.value import Name, Value

SLACK_API = "https://slack.com/api/"


def reason_not_private(url: str) -> str | None:
    """A sentence when what is sent to a URL could be read on its way, or is sent nowhere."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return None
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return None
    return "is no https URL; a token must not be sent in clear"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _private(url: str) -> str:
    reason = reason_not_private(url)
    if reason is not None:
        raise ValueError(reason)
    return url


def _id_of(text: str, kinds: str, what: str) -> str:
    if len(text) < 3 or text[0] not in kinds or not (text.isalnum() and text.isupper()):
        msg = f"{text!r} is not {what}"
        raise ValueError(msg)
    return text


def _channel(text: str) -> str:
    return _id_of(
        text, "CGD", "a channel's id; copy it from the channel's details, as in C0123ABCD"
    )


def _mentioned(text: str) -> str:
    return _id_of(
        text, "UWS", "the id of a person or a user group; copy it from the profile: U0123"
    )


Line = Annotated[str, StringConstraints(max_length=100)]
Channel = Annotated[Line, AfterValidator(_channel)]
Mention = Annotated[Line, AfterValidator(_mentioned)]
PrivateUrl = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_private)]


class Slack(Value):
    """A workspace: where a run's thread stands, and where else if that channel takes nothing."""

    channel: Channel = Field(description="The id of the channel that a run's thread stands in.")
    token: SecretRef = Field(description="The app's bot token, which needs the scope chat:write.")
    fallback_channel: Channel | None = Field(
        default=None, description="The id of the channel to use while the first takes nothing."
    )
    mentions: dict[Name, Mention] = Field(
        default={}, description="Whom to call for a role: the id of a person or a user group."
    )
    url: PrivateUrl = Field(default=SLACK_API, description="Where Slack's Web API answers.")

    @model_validator(mode="after")
    def _two_channels(self) -> Self:
        if self.fallback_channel == self.channel:
            msg = "fallback_channel is the channel itself; name another one, or none"
            raise ValueError(msg)
        return self


class Webhook(Value):
    """An incoming webhook, which takes messages but neither changes nor threads them."""

    url: SecretRef = Field(description="The webhook's URL, which is as secret as a token.")


class Notify(Value):
    """The ways by which people are told, in the order in which they are tried."""

    slack: Slack | None = Field(default=None, description="A workspace of Slack.")
    webhook: Webhook | None = Field(
        default=None, description="An incoming webhook, used while Slack takes nothing."
    )
    dry_runs: bool = Field(default=False, description="Whether people are told of dry-runs too.")

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if self.slack is None and self.webhook is None:
            msg = "names no way; write slack, webhook or both"
            raise ValueError(msg)
        return self
