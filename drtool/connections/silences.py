"""Machines that were silent a moment ago: being cut off costs its time once, not at every look."""

from __future__ import annotations

import time

BRIEF_SECONDS = 0.5
REMEMBERED_SECONDS = 15.0


class Silences:
    """Remembers who did not take a connection; safe to use from several threads."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, int], float] = {}

    def patience(self, where: tuple[str, int], seconds: float) -> float:
        """How long to wait for a connection: ``seconds``, or briefly for who was silent lately."""
        since = self._since.get(where)
        lately = since is not None and time.monotonic() - since < REMEMBERED_SECONDS
        return min(seconds, BRIEF_SECONDS) if lately else seconds

    def note(self, where: tuple[str, int]) -> None:
        """It was silent; how long that is remembered begins with the first time."""
        if self.patience(where, BRIEF_SECONDS * 2) > BRIEF_SECONDS:
            self._since[where] = time.monotonic()

    def over(self, where: tuple[str, int]) -> None:
        """It answers."""
        self._since.pop(where, None)
