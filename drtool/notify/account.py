"""What became of a run's notes: the part of a report that notices have."""

from __future__ import annotations

from drtool.connections.slack_refusal import Refusal
from drtool.model.value import Value
from drtool.notify.card import Note

NAMED = 10


class Account(Value):
    """How many notes were ``delivered``, and sentences about all that was not as it should be.

    ``settled`` says that nothing is under way or waits any more.
    """

    delivered: int = 0
    settled: bool = False
    lines: tuple[str, ...] = ()


class Ledger:
    """Keeps the account of one run; it says of nothing that it did not arrive unless it knows."""

    def __init__(self) -> None:
        self._delivered = 0
        self._refused: dict[str, tuple[int, Refusal]] = {}
        self._tried: set[str] = set()
        self._lost: list[tuple[Note, str]] = []

    def tried(self, note: Note) -> None:
        """A note was handed to a way, and nobody knows what became of it."""
        self._tried.add(note.subject)

    def delivered(self) -> None:
        """A note has arrived, by whatever way."""
        self._delivered += 1

    def refused(self, way: str, refusal: Refusal, note: Note | None = None) -> None:
        """A way did not take a message."""
        before, _ = self._refused.get(way, (0, refusal))
        self._refused[way] = (before + 1, refusal)
        if note is not None and not refusal.in_doubt:
            self._tried.discard(note.subject)

    def lost(self, note: Note, why: str) -> None:
        """A note will not be handed to any way again."""
        self._lost.append((note, why))

    def account(self, waiting: tuple[Note, ...] = (), *, settled: bool = False) -> Account:
        """The account as it stands; ``waiting`` notes have not arrived so far."""
        lines = [
            f"{way} did not take {_messages(count)}: {refusal.sentence}"
            + (f"; {refusal.hint}" if refusal.hint else "")
            for way, (count, refusal) in self._refused.items()
        ]
        open_ones = [*self._lost, *((note, "no way was open in time") for note in waiting)]
        lines += [self._about(note, why) for note, why in open_ones[:NAMED]]
        if len(open_ones) > NAMED:
            lines.append(f"as little is known of {_messages(len(open_ones) - NAMED)} more")
        return Account(delivered=self._delivered, settled=settled, lines=tuple(lines))

    def _about(self, note: Note, why: str) -> str:
        if note.subject in self._tried:
            return f"it is not known whether anybody was told of {note.subject}"
        return f"nobody was told of {note.subject}: {why}"


def _messages(count: int) -> str:
    return "a message" if count == 1 else f"{count} messages"
