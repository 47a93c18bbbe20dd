"""Cards in Slack's form, within its limits and with nothing in them that Slack would obey.

Source: docs.slack.dev, reference/block-kit and reference/methods/chat.update; the limit of all
blocks together is not documented, and was met by others at some 13,000 characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drtool.connections.slack_text import cut, escaped
from drtool.notify.card import Call, Card, Command, Facts, Part, Small, Table, Text, Tone

Block = dict[str, Any]

BLOCKS, ALL_TEXT = 50, 12_000
HEADER, SECTION, FIELD, FIELDS = 140, 2_900, 1_900, 10
MESSAGE = 3_000  # chat.update takes 4,000
_MARKS = {
    Tone.QUIET: "",
    Tone.RUNNING: ":large_blue_circle: ",
    Tone.ASKING: ":raised_hand: ",
    Tone.WARNING: ":warning: ",
    Tone.BAD: ":red_circle: ",
    Tone.GOOD: ":large_green_circle: ",
}
_TOO_LONG = "too long to be shown here"


def as_text(card: Card, mentions: Mapping[str, str] | None = None) -> str:
    """A card without blocks: what a bell shows, and what takes the place of refused blocks."""
    lines = [_MARKS[card.tone] + escaped(card.said or card.title, SECTION)]
    for part in card.parts:
        if isinstance(part, Command):
            lines.append(f"`{escaped(part.command)}`")
        elif isinstance(part, Call):
            lines.append(_called(part, mentions or {}))
    text = ""
    for line in filter(None, lines):
        if len(text) + len(line) < MESSAGE:
            text += f"\n{line}" if text else line
    return text


def as_blocks(
    card: Card, mentions: Mapping[str, str] | None = None, *, first: bool = False
) -> list[Block]:
    """A card as blocks; the ``first`` message of a thread bears its title large."""
    title = _MARKS[card.tone] + card.title
    if first:
        head: Block = {
            "type": "header",
            "text": {"type": "plain_text", "text": cut(title, HEADER), "emoji": True},
        }
        blocks = [head]
    elif card.tone is Tone.QUIET and not card.title:
        blocks = []
    else:
        mark = _MARKS[card.tone]
        blocks = [_section(f"{mark}*{escaped(card.title.replace('*', ''), SECTION)}*")]
    left = ALL_TEXT - _size(blocks)
    for part in card.parts:
        for block in _blocks_of(part, mentions or {}):
            left -= _size([block])
            if left >= 0 and len(blocks) < BLOCKS:
                blocks.append(block)
    return blocks


def _blocks_of(part: Part, mentions: Mapping[str, str]) -> Iterator[Block]:
    match part:
        case Text():
            lead = f"*{escaped(part.lead)}* " if part.lead else ""
            text = (lead + escaped(part.text, SECTION - len(lead))).strip()
            if text:
                yield _section(text)
        case Facts():
            for start in range(0, len(part.facts), FIELDS):
                yield {
                    "type": "section",
                    "fields": [_fact(*fact) for fact in part.facts[start : start + FIELDS]],
                }
        case Command():
            yield _section(_command(part))
        case Table():
            yield _section(_fenced("\n".join(part.lines)))
        case Call():
            called = _called(part, mentions)
            if called:
                yield _section(called)
        case Small():
            yield {"type": "context", "elements": [_mrkdwn(escaped(part.text, FIELD))]}


def _command(part: Command) -> str:
    what = escaped(part.what, SECTION // 2)
    fenced = f"```{escaped(_unfenced(part.command))}```"
    if len(what) + len(fenced) > SECTION:
        return f"{what} ({_TOO_LONG})" if what else _TOO_LONG
    return f"{what}\n{fenced}" if what else fenced


def _fenced(text: str) -> str:
    return f"```{escaped(_unfenced(text), SECTION - 6)}```"


def _unfenced(text: str) -> str:
    """Text that cannot end the block of code that it stands in."""
    return text.replace("```", "'''")


def _fact(name: str, value: str) -> Block:
    return _mrkdwn(f"*{escaped(name)}*\n{escaped(value, FIELD - len(name))}")


def _called(part: Call, mentions: Mapping[str, str]) -> str:
    role = mentions.get(part.role)
    called = (role,) if role else part.people
    return " ".join(f"<!subteam^{who}>" if who.startswith("S") else f"<@{who}>" for who in called)


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def _size(blocks: list[Block]) -> int:
    """How many letters of text blocks hold."""
    return sum(len(text) for block in blocks for text in _texts(block))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "text" and isinstance(part, str):
                yield part
            else:
                yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
