"""One text that is kept somewhere and exchanged so that of two writers one loses."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from drtool.model.value import Value


class Kept(Value):
    """What a cell holds: no ``values`` where there is nothing yet.

    ``serial`` grows with each exchange, where the keeper counts them.
    """

    values: tuple[str, ...] = ()
    serial: int = 0


class Cell(Protocol):
    """A place that holds one text; a write names what it replaces."""

    @property
    def where(self) -> str:
        """The place, as messages name it."""

    def read(self) -> Kept:
        """What is there now; raises Unreachable, AccessDenied, BadInput or StepFailed."""

    def exchange(self, old: Kept, new: str) -> bool:
        """Replace what was read by a new text; False when another is there by now.

        Raises as ``read`` does; after Unreachable the new text may be there or not.
        """

    def now(self) -> datetime:
        """The wall time of the place's own clock, as far as it can be asked."""

    def close(self) -> None:
        """End the connection; never raises."""
