"""How a run stood against one objective, in figures and in words."""

from __future__ import annotations

from typing import Literal

from drtool.model.value import Value
from drtool.units import Duration, seconds_text

Judgement = Literal["met", "missed", "not measured", "not judged", "no objective"]


class Verdict(Value):
    """One objective judged: ``met`` is None when it was not measured, or must not be judged.

    ``withheld`` is why what was measured is not judged. ``note`` says what the figure rests on.
    """

    objective: Literal["rto", "rpo", "downtime"]
    limit: Duration | None
    measured_seconds: float | None
    met: bool | None
    upper_bound: bool = False
    note: str = ""
    withheld: str = ""

    @property
    def subject(self) -> str:
        """What the objective limits, as people call it."""
        return {"rto": "recovery time", "rpo": "data loss", "downtime": "downtime"}[self.objective]

    @property
    def measured_text(self) -> str:
        """The figure as people read it."""
        if self.measured_seconds is None:
            return "not measured"
        return ("at most " if self.upper_bound else "") + seconds_text(self.measured_seconds)

    @property
    def word(self) -> Judgement:
        """The judgement in one word; what was not measured or not judged is never met."""
        if self.withheld:
            return "not judged"
        if self.met is not None:
            return "met" if self.met else "missed"
        return "not measured" if self.measured_seconds is None else "no objective"

    @property
    def text(self) -> str:
        """Figure, judgement and what both rest on: ``12.5 s of 5m, met (WHAT SAYS SO)``."""
        if self.measured_seconds is None:
            limit = f"objective {self.limit}" if self.limit is not None else ""
            said, rests_on = self.measured_text, "; ".join(filter(None, (limit, self.note)))
        else:
            limit = f" of {self.limit}" if self.limit is not None else ""
            why = f": {self.withheld}" if self.withheld else ""
            said, rests_on = f"{self.measured_text}{limit}, {self.word}{why}", self.note
        return f"{said} ({rests_on})" if rests_on else said
