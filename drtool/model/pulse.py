"""Signs of life of a run's engine."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from drtool.model.event import Instant
from drtool.model.value import Value


class Process(Value):
    """One process of one boot: its number, and when it started as ``drtool.process`` has it."""

    pid: int
    started: str = ""
    boot: str


class Pulse(Value):
    """That an engine moved at a moment; the last one that it left."""

    run: str
    at: Instant
    pid: int
    process: str = ""

    @property
    def engine(self) -> Process:
        """Whose it is."""
        return Process(pid=self.pid, started=self.process, boot=self.at.boot)


class Living(Enum):
    """Whether an engine can go on by itself."""

    LIVES = "lives"
    HUNG = "does not move"
    GONE = "gone"


class Life(Value):
    """How an engine is; ``since`` is the last sign of one that does not move or is gone.

    ``stopped`` says that its process was stopped by a signal.
    """

    word: Living
    since: datetime | None = None
    pid: int = 0
    stopped: bool = False

    @property
    def well(self) -> bool:
        """Whether nobody needs to be told."""
        return self.word is Living.LIVES
