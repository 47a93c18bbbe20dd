"""The inventory's ways of telling people, made ready to be gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from drtool.connections.secrets import Secrets
from drtool.connections.slack import SlackApi, SlackWebhook
from drtool.connections.slack_refusal import Refusal
from drtool.errors import DrtoolError
from drtool.model.notify import Notify, Slack, Webhook
from drtool.notify.threads import Threads
from drtool.notify.ways import NoWay, SlackWay, Way, WebhookWay


def ways_of(notify: Notify, secrets: Secrets, threads: Threads) -> tuple[Way, ...]:
    """All ways in the order in which they are tried; one that lacks its secret says so."""
    mentions = notify.slack.mentions if notify.slack is not None else {}
    return (
        *_of_slack(notify.slack, secrets, threads),
        *_of_webhook(notify.webhook, secrets, mentions),
    )


def _of_slack(slack: Slack | None, secrets: Secrets, threads: Threads) -> Iterator[Way]:
    if slack is None:
        return
    try:
        api = SlackApi.of(slack, secrets)
    except DrtoolError as error:
        yield NoWay(f"Slack channel {slack.channel}", _missing(error))
        return
    for channel in (slack.channel, slack.fallback_channel):
        if channel is not None:
            keep = partial(threads.keep, channel)
            yield SlackWay(api, channel, slack.mentions, threads.root(channel), keep)


def _of_webhook(
    webhook: Webhook | None, secrets: Secrets, mentions: Mapping[str, str]
) -> Iterator[Way]:
    if webhook is None:
        return
    try:
        yield WebhookWay(SlackWebhook.of(webhook, secrets), mentions)
    except DrtoolError as error:
        yield NoWay("the webhook", _missing(error))


def _missing(error: DrtoolError) -> Refusal:
    return Refusal(code="secret", found=error.line(), hint=error.hint, lasting=True)
