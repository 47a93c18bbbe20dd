"""Text that Slack shows as it is: nothing in it calls people, links or begins a command.

Source: docs.slack.dev, messaging/formatting-message-text.
"""

from __future__ import annotations

_CUT = " ..."
_SAFE = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str, limit: int | None = None) -> str:
    """The text with nothing in it that Slack would obey, cut where it would be too long."""
    safe = [_SAFE.get(letter, letter) for letter in text]
    if limit is None or sum(map(len, safe)) <= limit:
        return "".join(safe)
    kept, left = [], limit - len(_CUT)
    for letter in safe:
        left -= len(letter)
        if left < 0:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + _CUT


def cut(text: str, limit: int) -> str:
    """The text as it is, cut where it would be too long; for what Slack shows plainly."""
    return text if len(text) <= limit else text[: limit - len(_CUT)].rstrip() + _CUT
