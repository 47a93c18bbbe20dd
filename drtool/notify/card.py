"""What people are told, before it takes the form of one way or another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Tone(Enum):
    """What a message is at first sight."""

    QUIET = "quiet"
    RUNNING = "running"
    ASKING = "asking"
    WARNING = "warning"
    BAD = "bad"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, with its first words in bold if there is a ``lead``."""

    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, side by side."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Command:
    """Something to type, never cut short, with what it does."""

    command: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Lines in columns, in letters of one width."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """People to call by role; ``people`` are the ids of those who may answer, one by one."""

    role: str
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Small:
    """What is there to be looked up."""

    text: str


Part = Text | Facts | Command | Table | Call | Small


@dataclass(frozen=True, slots=True)
class Card:
    """A message: ``title`` says service, what and state; ``said`` is it in one line, for a bell."""

    title: str
    tone: Tone
    parts: tuple[Part, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened, to be told once.

    ``about`` names it in the account of what was not delivered. An ``urgent`` one stands in the
    channel too, not in the thread alone. ``opens`` is the run's start, which the first message
    tells by itself. ``key`` names a question; the note that ``answers`` it takes its place.
    Notes that are ``joined`` become one while they wait.
    """

    about: str
    at: datetime
    card: Card
    urgent: bool = False
    opens: bool = False
    joined: bool = False
    key: str = ""
    answers: str = ""

    @property
    def subject(self) -> str:
        """The note, as the account names it."""
        return f"{self.about} ({self.at:%H:%M:%S}Z)"
