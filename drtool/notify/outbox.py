"""Notes that wait to be delivered: few, in order, and the urgent ones last to go."""

from __future__ import annotations

from dataclasses import replace

from drtool.notify.card import Note, Small

MOST = 50
LINES = 12


class Outbox:
    """A queue with an end; for one thread at a time.

    Invariant: no urgent note is dropped while another one waits, and what is dropped is told.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._notes: list[Note] = []

    def put(self, note: Note) -> tuple[Note, ...]:
        """Add a note; those that had to go for it, which nobody will be told of.

        An answer takes the place of its question as long as that waits: nobody shall be called
        to do what is done. Of notes that are joined only one waits at a time.
        """
        last = self._notes[-1] if self._notes else None
        if note.answers:
            self._notes = [one for one in self._notes if one.key != note.answers]
        if note.joined and last is not None and last.joined:
            self._notes[-1] = joined(last, note)
        else:
            self._notes.append(note)
        return tuple(self._overflow())

    def first(self) -> Note | None:
        """The note that is to be delivered next; it stays until it is taken."""
        return self._notes[0] if self._notes else None

    def take(self, note: Note) -> None:
        """Take a note out: it was delivered, or never will be."""
        self._notes = [one for one in self._notes if one is not note]

    @property
    def waiting(self) -> tuple[Note, ...]:
        """All that waits, in order."""
        return tuple(self._notes)

    def _overflow(self) -> list[Note]:
        dropped: list[Note] = []
        while len(self._notes) > self._most:
            calm = (one for one in self._notes if not one.urgent)
            gone = next(calm, self._notes[0])
            self.take(gone)
            dropped.append(gone)
        return dropped


def joined(earlier: Note, later: Note) -> Note:
    """Two notes as one, with the lines of both; of many lines the last ones."""
    lines = [
        line
        for note in (earlier, later)
        for part in note.card.parts
        if isinstance(part, Small)
        for line in part.text.splitlines()
    ]
    card = replace(later.card, parts=(Small("\n".join(lines[-LINES:])),))
    return replace(later, card=card)
