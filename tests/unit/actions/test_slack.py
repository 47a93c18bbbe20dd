from __future__ import annotations

import pytest
from pydantic import ValidationError

from drtool.action import Hands
from drtool.actions.slack import Post
from drtool.connections.slack import Posted, SlackHands
from drtool.model.inventory import Inventory
from drtool.testing import FakeConnections, check_action, fake_facts

BARE = Inventory.model_validate(
    {"version": 1, "services": {"orders": {"preferred": "east"}}, "sites": {}}
)
TOLD = Inventory.model_validate(
    {
        **BARE.model_dump(exclude={"notify"}),
        "notify": {"slack": {"channel": "C0INCIDENT", "token": {"secret": "env:TOKEN"}}},
    }
)


class FakeSlack(SlackHands):
    """A channel that keeps what it was sent."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def post(self, text: str, blocks: object = ()) -> Posted:
        self.said.append(text)
        return Posted()


@pytest.mark.parametrize("inventory", [BARE, TOLD])
def test_the_contract(inventory: Inventory) -> None:
    check_action(Post, {"text": "orders moves to west"}, fake_facts(inventory))


@pytest.mark.parametrize(("channel", "target"), [(None, ""), ("C0SUPPORT", "C0SUPPORT")])
def test_the_text_is_posted_with_what_it_is_about(channel: str | None, target: str) -> None:
    slack = FakeSlack()
    connections = FakeConnections(TOLD, {(SlackHands, target): slack})
    Post(text="a < b", channel=channel).send(Hands(connections, fake_facts(TOLD)))
    assert slack.said == ["a &lt; b\n_orders, failover, run 20300101-120000-test_"]


def test_a_human_would_write_it() -> None:
    assert Post(text="hello").by_hand(fake_facts(TOLD)) == [
        "write in the Slack channel C0INCIDENT: hello"
    ]
    assert Post(text="hello").by_hand(fake_facts(BARE)) == [
        "write in the Slack channel of the service: hello"
    ]


def test_a_notice_needs_no_connection_so_that_nothing_waits_for_slack() -> None:
    assert Post(text="hello").needs(fake_facts(TOLD)) == []


@pytest.mark.parametrize("fields", [{"text": ""}, {"text": "hello", "channel": "#incidents"}])
def test_what_makes_no_sense_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Post.model_validate(fields)
