"""Notices in Slack."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from drtool.action import Facts, Hands, Notice
from drtool.connections.slack import SlackHands
from drtool.connections.slack_text import escaped
from drtool.model.notify import Channel
from drtool.model.purpose import Purpose
from drtool.units import Duration

LONGEST = 2_500


class Post(Notice):
    """Post a message to a channel of Slack.

    For people outside the run's own thread, which is told without any step. It goes to the
    channel that the inventory names under ``notify.slack``, or to another one that the app is a
    member of. The text is shown as it is: nobody is called by it.
    """

    purpose = Purpose.ANNOUNCE
    default_deadline = Duration(15)

    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] = Field(
        description="What to tell; templates are filled."
    )
    channel: Channel | None = Field(
        default=None, description="Another channel, by its id; default: notify.slack.channel."
    )

    def send(self, hands: Hands) -> None:
        """Post it once; raises what stands against it, by which no run is stopped."""
        facts = hands.facts
        about = f"{facts.service}, {facts.procedure.value}, run {facts.run}"
        text = f"{escaped(self.text)}\n_{escaped(about)}_"
        hands.reach(SlackHands, self.channel or "").post(text)

    def by_hand(self, facts: Facts) -> list[str]:
        """The sentence."""
        slack = facts.inventory.notify.slack if facts.inventory.notify else None
        channel = self.channel or (slack.channel if slack else "of the service")
        return [f"write in the Slack channel {channel}: {self.text}"]
