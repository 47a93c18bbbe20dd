"""Whether a message arrives: one through every way, with the cure where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from drtool.connections.secrets import Secrets
from drtool.connections.slack import Identity, Posted, SlackApi, SlackWebhook
from drtool.connections.slack_refusal import Refusal
from drtool.errors import DrtoolError
from drtool.model.notify import Notify, Slack, Webhook
from drtool.model.value import Value
from drtool.notify.card import Card, Small, Text, Tone
from drtool.notify.form import as_blocks, as_text


class Tried(Value):
    """How a trial of one way went; ``hint`` is the cure."""

    way: str
    arrived: bool
    text: str
    hint: str = ""


def trials(notify: Notify, secrets: Secrets, source: str, now: datetime) -> Iterator[Tried]:
    """A message through each way; ``source`` is the inventory's name, which it bears."""
    card = Card(
        "drtool: a test message, nothing has happened",
        Tone.QUIET,
        (
            Text(f"Runs of the services in {source} will be told of here."),
            Small(f"drtool notify test, {now:%Y-%m-%d %H:%M:%S} UTC"),
        ),
    )
    if notify.slack is not None:
        yield from _of_slack(notify.slack, secrets, card)
    if notify.webhook is not None:
        yield _of_webhook(notify.webhook, secrets, card)


def _of_slack(slack: Slack, secrets: Secrets, card: Card) -> Iterator[Tried]:
    channels = [one for one in (slack.channel, slack.fallback_channel) if one is not None]
    names = [f"Slack channel {channel}" for channel in channels]
    try:
        api = SlackApi.of(slack, secrets)
    except DrtoolError as error:
        yield from (_lacking(name, error) for name in names)
        return
    known = api.identity()
    if isinstance(known, Refusal):
        yield from (_refused(name, known) for name in names)
        return
    for channel, name in zip(channels, names, strict=True):
        yield _of_channel(api, channel, name, known, card)


def _of_channel(api: SlackApi, channel: str, name: str, known: Identity, card: Card) -> Tried:
    """A message that is changed once, as the first message of a run is."""
    posted = api.post(channel, as_text(card), as_blocks(card))
    if isinstance(posted, Refusal):
        return _refused(name, posted)
    changed = api.update(posted, as_text(card), as_blocks(card))
    where = f"in the workspace {known.workspace}, as {known.bot}"
    if isinstance(changed, Refusal):
        text = f"arrived {where}, but cannot be kept up to date: {changed.sentence}"
        return Tried(way=name, arrived=True, text=text, hint=changed.hint)
    return Tried(way=name, arrived=True, text=f"arrived {where}")


def _of_webhook(webhook: Webhook, secrets: Secrets, card: Card) -> Tried:
    name = "the webhook"
    try:
        answer = SlackWebhook.of(webhook, secrets).post(as_text(card), as_blocks(card))
    except DrtoolError as error:
        return _lacking(name, error)
    if isinstance(answer, Posted):
        return Tried(way=name, arrived=True, text="arrived")
    return _refused(name, answer)


def _refused(name: str, why: Refusal) -> Tried:
    doubt = "not known whether it arrived" if why.in_doubt else "did not arrive"
    return Tried(way=name, arrived=False, text=f"{doubt}: {why.sentence}", hint=why.hint)


def _lacking(name: str, error: DrtoolError) -> Tried:
    return Tried(way=name, arrived=False, text=f"did not arrive: {error.line()}", hint=error.hint)
