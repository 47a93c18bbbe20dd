"""Whatever a run says, its messages are ones that Slack takes, and call nobody by accident."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_standin import Refused, SlackStandIn

from drtool.notify.card import Call, Card, Command, Facts, Part, Small, Table, Text, Tone
from drtool.notify.form import MESSAGE, as_blocks, as_text


class Long(str):
    """A text too long for anything, whose failure can still be read."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{self[:9]!r}..."


LONG = Long("<!here>&" * 2000)
TEXTS = st.text(min_size=1) | st.text("<>&*`", min_size=1) | st.just(LONG)
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, TEXTS, st.just("") | TEXTS.map(lambda text: text[:50])),
    st.builds(
        Facts, st.lists(st.tuples(TEXTS.map(lambda t: t[:50]), TEXTS), min_size=1).map(tuple)
    ),
    st.builds(Command, TEXTS, TEXTS),
    st.builds(Table, st.lists(TEXTS, min_size=1).map(tuple)),
    st.builds(Call, st.just("commander")),
    st.builds(Small, TEXTS),
)
CARDS = st.builds(
    Card, TEXTS, st.sampled_from(Tone), st.lists(PARTS, max_size=60).map(tuple), TEXTS
)


@given(CARDS, st.booleans())
def test_any_card_is_a_message_that_slack_takes(card: Card, first: bool) -> None:
    mentions = {"commander": "U0ANN"}
    checked = SlackStandIn.__new__(SlackStandIn)
    checked.errors, checked.faults = {}, []
    said = {"text": as_text(card, mentions), "blocks": as_blocks(card, mentions, first=first)}
    try:
        checked._check(said, 4000)
    except Refused as error:  # pragma: no cover - the failure that this test is for
        pytest.fail(f"{error}: {said}")
    assert not checked.faults
    assert len(said["text"]) <= MESSAGE


def test_a_command_is_whole_or_not_there() -> None:
    whole = as_blocks(Card("t", Tone.BAD, (Command("drtool approve r1", "To approve:"),)))
    assert whole[1]["text"]["text"] == "To approve:\n```drtool approve r1```"
    long = as_blocks(Card("t", Tone.BAD, (Command("drtool " + "x" * 3000, "To approve:"),)))
    assert long[1]["text"]["text"] == "To approve: (too long to be shown here)"
    assert "drtool" not in str(long)


def test_a_block_of_code_cannot_be_left_from_within() -> None:
    (_, block) = as_blocks(Card("t", Tone.BAD, (Table(("a ``` <!here>",)),)))
    assert block["text"]["text"] == "```a ''' &lt;!here&gt;```"


def test_people_are_called_by_their_ids_and_only_those_who_are_known() -> None:
    card = Card("t", Tone.ASKING, (Call("commander"), Call("nobody")))
    (_, called) = as_blocks(card, {"commander": "S0ONCALL"})
    assert called["text"]["text"] == "<!subteam^S0ONCALL>"
    assert as_text(card, {"commander": "U0ANN"}) == ":raised_hand: t\n<@U0ANN>"
    assert as_text(card) == ":raised_hand: t"


def test_the_first_message_bears_its_title_large() -> None:
    (block,) = as_blocks(Card("a & b", Tone.GOOD), first=True)
    assert block["type"] == "header"
    assert block["text"]["text"] == ":large_green_circle: a & b"
    (block,) = as_blocks(Card("a & b", Tone.GOOD))
    assert block["text"]["text"] == ":large_green_circle: *a &amp; b*"
