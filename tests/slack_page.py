"""Messages as people see them in Slack: a page to look at before the words of notices change.

``python tests/slack_page.py > thread.html`` shows one run of each kind.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import told_runs
from told_runs import BEGAN

from drtool.model.event import Event, Instant
from drtool.notify.card import Card
from drtool.notify.form import as_blocks
from drtool.notify.telling import Teller

MENTIONS = {"incident_commander": "S0ONCALL"}
_EMOJI = {
    "large_blue_circle": "🔵",
    "large_green_circle": "🟢",
    "red_circle": "🔴",
    "warning": "⚠️",
    "raised_hand": "✋",
    "white_check_mark": "✅",
    "heavy_minus_sign": "\N{HEAVY MINUS SIGN}",
    "white_small_square": "▫️",
    "arrow_forward": "▶️",
    "x": "❌",
}
_STYLE = """
body { font: 15px/1.46 sans-serif; color: #1d1c1d; width: 760px; margin: 20px }
h2 { font-size: 13px; color: #888; border-top: 1px solid #ddd; padding-top: 14px }
.message { margin: 0 0 16px; padding-left: 46px; position: relative }
.message::before { content: "dr"; position: absolute; left: 0; width: 36px; height: 36px;
  background: #4a154b; color: #fff; text-align: center; line-height: 36px; font-size: 13px }
.reply { margin-left: 46px } .who { font-weight: 900 }
.who small { font-weight: 400; color: #616061 }
.header { font-size: 18px; font-weight: 700 } .section { margin: 4px 0 }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 16px; margin: 4px 0 }
.context { font-size: 13px; color: #616061; margin: 4px 0 }
pre { font: 12px/1.5 "DejaVu Sans Mono", monospace; background: #f8f8f8; border: 1px solid #ddd;
  border-radius: 4px; padding: 8px; margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere }
code { font: 12px "DejaVu Sans Mono", monospace; background: #f8f8f8; border: 1px solid #ddd;
  border-radius: 3px; color: #e01e5a; padding: 1px 3px }
.mention { background: #fff3d6; color: #1264a3 } .shown { color: #616061; font-size: 12px }
"""


def page(parts: Iterable[str]) -> str:
    return f"<!doctype html><meta charset='utf-8'><style>{_STYLE}</style>{''.join(parts)}"


def message(blocks: Sequence[dict[str, Any]], *, reply: bool = False, shown: bool = False) -> str:
    """A message; one that is ``shown`` is a reply that stands in the channel too."""
    kind = "message reply" if reply else "message"
    also = "<div class='shown'>replied to a thread, also sent to the channel</div>" if shown else ""
    inner = "".join(map(_block, blocks))
    return (
        f"<div class='{kind}'>{also}<div class='who'>drtool <small>APP</small></div>{inner}</div>"
    )


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<div class='header'>{_emoji(html.escape(block['text']['text']))}</div>"
        case "context":
            parts = " ".join(_mrkdwn(one["text"]) for one in block["elements"])
            return f"<div class='context'>{parts}</div>"
        case _ if "fields" in block:
            parts = "".join(f"<div>{_mrkdwn(one['text'])}</div>" for one in block["fields"])
            return f"<div class='fields'>{parts}</div>"
        case _:
            return f"<div class='section'>{_mrkdwn(block['text']['text'])}</div>"


def _mrkdwn(text: str) -> str:
    parts = re.split(r"```(.*?)```", text, flags=re.DOTALL)
    return "".join(f"<pre>{one}</pre>" if odd % 2 else _line(one) for odd, one in enumerate(parts))


def _line(text: str) -> str:
    text = re.sub(r"<(?:@|!subteam\^)(\w+)>", r"<span class='mention'>@\1</span>", text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"<b>\1</b>", text)
    return _emoji(text).strip("\n").replace("\n", "<br>")


def _emoji(text: str) -> str:
    return re.sub(r":(\w+):", lambda found: _EMOJI.get(found[1], found[0]), text)


def thread(title: str, events: Sequence[Event], seconds: float, *, alive: bool = True) -> str:
    """A run's messages: the first one as it is so many seconds after the start, then the others."""
    teller = Teller()
    notes = [note for event in events for note in teller.hear(event)]
    now = Instant(wall=BEGAN + timedelta(seconds=seconds), monotonic=1000 + seconds, boot="b")
    if not alive:
        notes.append(teller.gone(now))
    first = message(_blocks(teller.board(now, alive=alive), first=True))
    others = [message(_blocks(n.card), reply=True, shown=n.urgent) for n in notes if not n.opens]
    return f"<h2>{title}</h2>{first}{''.join(others)}"


def _blocks(card: Card, *, first: bool = False) -> list[dict[str, Any]]:
    return as_blocks(card, MENTIONS, first=first)


def main() -> None:
    sys.stdout.write(
        page(
            [
                thread("waiting for consent", told_runs.failover_under_way(), 4.0),
                thread("fencing", told_runs.consented().step("fence", 8.33, 9.5).events[:-1], 9.0),
                thread("met", told_runs.failover_met(), 12.0),
                thread("not measured", told_runs.failover_not_measured(), 12.0),
                thread("failed", told_runs.failover_on_a_statement(), 16.0),
                thread("the engine is gone", told_runs.consented().events, 12.0, alive=False),
                thread("dry", told_runs.failover_dry(), 1.0),
            ]
        )
    )


if __name__ == "__main__":
    main()
