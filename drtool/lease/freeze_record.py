"""What the record of a freeze says.

One string of at most 255 bytes, as in DNS a TXT record has it::

    "drtool-freeze 1 since=20261123T051501Z until=20261124T080000Z by=ann@desk why=stock-taking"

``until=-`` where it has no end. Once it was thawed::

    "drtool-freeze 1 thawed by=ann@desk why=done"
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from drtool.model.value import Value

LABEL = "_drtool-freeze"
_MAGIC = "drtool-freeze 1"
_TIME = "%Y%m%dT%H%M%SZ"
_STAMP = r"\d{8}T\d{6}Z"
_FROZEN = re.compile(rf'"{_MAGIC} since=({_STAMP}) until=(-|{_STAMP}) by=(\S*) why=([^"]*)"')
_THAWED = re.compile(rf'"{_MAGIC} thawed by=\S* why=[^"]*"')
_PLAIN = re.compile(r"[^ !#-\[\]-~]")  # printable, without quote and backslash
_LONGEST_BY, _LONGEST_WHY = 60, 110


class Freeze(Value):
    """A service is frozen: by whom, since when, until when, why."""

    by: str
    since: datetime
    until: datetime | None = None
    reason: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether its end has not come."""
        return self.until is None or now < self.until

    def text(self) -> str:
        """The record's value in presentation format."""
        until = f"{self.until.astimezone(UTC):{_TIME}}" if self.until else "-"
        return (
            f'"{_MAGIC} since={self.since.astimezone(UTC):{_TIME}} until={until} '
            f'by={_word(self.by)} why={_plain(self.reason)}"'
        )

    def told(self) -> str:
        """By whom, since when, until when and why, as people read it."""
        until = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return f"frozen by {self.by} since {self.since:%Y-%m-%d %H:%M:%S} UTC{until}: {self.reason}"


def thawed_text(by: str, reason: str) -> str:
    """The record's value once a freeze was ended."""
    return f'"{_MAGIC} thawed by={_word(by)} why={_plain(reason)}"'


def is_ours(values: tuple[str, ...]) -> bool:
    """Whether what is there was written by drtool, or nothing is."""
    return not values or parse_freeze(values) is not None or bool(_THAWED.fullmatch(values[0]))


def parse_freeze(values: tuple[str, ...]) -> Freeze | None:
    """The freeze that values tell of; None where there is none."""
    found = _FROZEN.fullmatch(values[0]) if len(values) == 1 else None
    if found is None:
        return None
    until = None if found[2] == "-" else _moment(found[2])
    return Freeze(by=found[3], since=_moment(found[1]), until=until, reason=found[4])


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def _plain(text: str) -> str:
    return _PLAIN.sub("?", " ".join(text.split()))[:_LONGEST_WHY]


def _word(text: str) -> str:
    return _PLAIN.sub("?", text).replace(" ", "_")[:_LONGEST_BY]
