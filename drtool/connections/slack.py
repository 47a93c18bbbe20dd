"""Slack: messages to a channel by the Web API, and to an incoming webhook.

Nothing is raised for what Slack answers or fails to answer: whoever tells people must go on with
the next way. No token and no webhook's URL stands in anything that is given back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Self

from drtool.connections.reach import Context, Writer
from drtool.connections.secrets import Secrets
from drtool.connections.slack_refusal import Refusal, refused, unanswered
from drtool.connections.within import within
from drtool.errors import BadInput, MissingExtra
from drtool.model.notify import Slack, Webhook, reason_not_private
from drtool.model.value import Value

Blocks = Sequence[Mapping[str, Any]]

SILENT_SECONDS = 5.0  # without a byte
MOST_SECONDS = 10.0  # for one request with its repetition, however it trickles
PATIENCE_SECONDS = 3.0  # a longer Retry-After is left to the sender, who has other ways


class Posted(Value):
    """A message that Slack has taken: by these two it is answered and changed."""

    channel: str = ""
    ts: str = ""


class Identity(Value):
    """Whom Slack takes the token for."""

    workspace: str
    bot: str


class SlackApi:
    """A workspace, as the bearer of a token may use it."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._client: Any = None

    @classmethod
    def of(cls, slack: Slack, secrets: Secrets) -> Self:
        """The workspace of an inventory; raises BadInput when its token cannot be had."""
        return cls(slack.url, secrets.resolve(slack.token))

    def post(
        self, channel: str, text: str, blocks: Blocks = (), *, thread: str = "", shown: bool = False
    ) -> Posted | Refusal:
        """Post a message; in a thread, ``shown`` puts it into the channel as well."""
        plain = {"unfurl_links": False, "unfurl_media": False}
        said: dict[str, Any] = {"channel": channel, **_content(text, blocks), **plain}
        if thread:
            said |= {"thread_ts": thread, "reply_broadcast": shown}
        return self._posted("chat.postMessage", said)

    def update(self, message: Posted, text: str, blocks: Blocks = ()) -> Posted | Refusal:
        """Put another content in a message's place; without blocks its own are taken away."""
        at = {"channel": message.channel, "ts": message.ts, "blocks": []}
        return self._posted("chat.update", {**at, **_content(text, blocks)})

    def identity(self) -> Identity | Refusal:
        """Whom Slack takes us for; needs no right but a token that is accepted."""
        told = self._call("auth.test", {})
        if isinstance(told, Refusal):
            return told
        return Identity(workspace=str(told.get("team", "")), bot=str(told.get("user", "")))

    def _posted(self, method: str, said: dict[str, Any]) -> Posted | Refusal:
        told = self._call(method, said)
        if isinstance(told, Refusal):
            return told
        return Posted(channel=str(told.get("channel", "")), ts=str(told.get("ts", "")))

    def _call(self, method: str, said: dict[str, Any]) -> Mapping[str, Any] | Refusal:
        try:
            client = self._connected()
            answer = within(MOST_SECONDS, lambda: client.api_call(method, json=said or None))
        except Exception as error:  # noqa: BLE001 - whatever the library raises, people are told elsewhere
            return _why(error)
        told: Mapping[str, Any] = answer.data
        return told

    def _connected(self) -> Any:
        if self._client is None:
            sdk = _library()
            self._client = sdk.WebClient(
                token=self._token,
                base_url=self._url,
                timeout=SILENT_SECONDS,
                user_agent_prefix="drtool",
                logger=_silence(),
                retry_handlers=_patient(),
            )
        return self._client


class SlackWebhook:
    """An incoming webhook, of Slack's or of what understands the same messages."""

    def __init__(self, url: str) -> None:
        self._url = url

    @classmethod
    def of(cls, webhook: Webhook, secrets: Secrets) -> Self:
        """The webhook of an inventory; raises BadInput when its URL cannot be had or used."""
        url = secrets.resolve(webhook.url)
        reason = reason_not_private(url)
        if reason is not None:
            raise BadInput(f"secret {webhook.url.secret}", reason)
        secrets.redactor.learn(url.partition("://")[2].partition("/")[2])
        return cls(url)

    def post(self, text: str, blocks: Blocks = ()) -> Posted | Refusal:
        """Post a message."""
        try:
            client = self._connected()
            answer = within(MOST_SECONDS, lambda: client.send_dict(_content(text, blocks)))
        except Exception as error:  # noqa: BLE001 - as in SlackApi
            return _why(error)
        said = answer.body.strip()
        if answer.status_code == 200 and not said.startswith("<"):
            return Posted()
        return refused(said, answer.status_code, dict(answer.headers))

    def _connected(self) -> Any:
        _library()
        from slack_sdk.webhook import WebhookClient  # noqa: PLC0415 - as in _library

        return WebhookClient(
            self._url,
            timeout=int(SILENT_SECONDS),
            user_agent_prefix="drtool",
            logger=_silence(),
            retry_handlers=_patient(),
        )


class SlackHands(Writer):
    """Posts for steps that tell somebody."""

    needs_lease = False

    def __init__(self, api: SlackApi, channel: str, secrets: Secrets) -> None:
        self._api, self._channel, self._secrets = api, channel, secrets

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Ready to post; ``target`` is a channel's id, or "" for the inventory's own.

        Raises BadInput when the inventory names no Slack, or its token cannot be had.
        """
        notify = context.inventory.notify
        if notify is None or notify.slack is None:
            raise BadInput(
                "slack",
                "the inventory does not say how to reach it",
                hint='write notify: {slack: {channel: C0123ABCD, token: {secret: "env:NAME"}}}',
            )
        api = SlackApi.of(notify.slack, context.secrets)
        return cls(api, target or notify.slack.channel, context.secrets)

    def close(self) -> None:
        """Nothing is kept open."""

    def post(self, text: str, blocks: Blocks = ()) -> Posted:
        """Post a message; raises what stands against it."""
        answer = self._api.post(self._channel, self._secrets.redactor.clean(text), blocks)
        if isinstance(answer, Refusal):
            raise answer.error(f"Slack channel {self._channel}")
        return answer


def _content(text: str, blocks: Blocks) -> dict[str, Any]:
    return {"text": text, "blocks": [dict(block) for block in blocks]} if blocks else {"text": text}


def _library() -> Any:
    """The library, imported when it is used; raises MissingExtra."""
    try:
        import slack_sdk  # noqa: PLC0415 - an extra, and 60 ms that only those pay who need it
    except ImportError as error:
        raise MissingExtra("slack", "slack") from error
    return slack_sdk


def _patient() -> list[Any]:
    """Slack's own handler of rate limits, for waits that are short."""
    from slack_sdk.http_retry.builtin_handlers import (  # noqa: PLC0415 - as in _library
        RateLimitErrorRetryHandler,
    )

    class ShortWaits(RateLimitErrorRetryHandler):
        def can_retry(self, **known: Any) -> bool:
            response = known.get("response")
            if response is None or not super().can_retry(**known):
                return False
            wait = refused("", response.status_code, response.headers).retry_after
            return wait is not None and wait <= PATIENCE_SECONDS

    return [ShortWaits()]


def _silence() -> logging.Logger:
    """A logger that writes nothing: the library would have it write a webhook's URL."""
    logger = logging.getLogger("drtool.slack")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


def _why(error: Exception) -> Refusal:
    """What an exception of the library says, in our words."""
    if isinstance(error, MissingExtra):
        return Refusal(
            code="missing_extra", found=error.found, hint=error.hint, lasting=True, whole=True
        )
    answer = getattr(error, "response", None)
    if answer is None:
        return unanswered(error)
    told = answer.data if isinstance(answer.data, dict) else {}
    code = told.get("error")
    return refused(str(code or ""), answer.status_code, answer.headers, told.get("needed"))
