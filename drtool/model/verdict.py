"""How a run stood against one objective, in figures and in words."""

from __future__ import annotations

from typing import Literal

from drtool.model.value import Value
from drtool.units import Duration, seconds_text

Judgement = Literal["met", "missed", "accepted", "not measured", "not judged", "no objective"]


class Verdict(Value):
    """One objective judged: ``met`` is None when it was not measured, or must not be judged.

    ``withheld`` is why what was measured is not judged, ``accepted`` who accepted a loss that is
    unknown or too great, and why. ``note`` says what the figure rests on.
    """

    objective: Literal["rto", "rpo", "downtime"]
    limit: Duration | None
    measured_seconds: float | None
    met: bool | None
    upper_bound: bool = False
    note: str = ""
    withheld: str = ""
    accepted: str = ""

    @property
    def subject(self) -> str:
        """What the objective limits, as people call it."""
        return {"rto": "recovery time", "rpo": "data loss", "downtime": "downtime"}[self.objective]

    @property
    def binding(self) -> bool:
        """Whether the run stands or falls by it: it has a limit, or a loss had to be accepted."""
        return self.limit is not None or bool(self.accepted)

    @property
    def measured_text(self) -> str:
        """The figure as people read it."""
        if self.measured_seconds is None:
            return "unknown" if self.objective == "rpo" else "not measured"
        return ("at most " if self.upper_bound else "") + seconds_text(self.measured_seconds)

    @property
    def word(self) -> Judgement:
        """The judgement in one word; what was not measured or not judged is never met."""
        if self.withheld:
            return "not judged"
        if self.met is not None:
            return "met" if self.met else "missed"
        if self.accepted:
            return "accepted"
        return "not measured" if self.measured_seconds is None else "no objective"

    @property
    def brief(self) -> str:
        """Figure and judgement: ``12.5 s of 5m, met``."""
        measured = self.measured_seconds is not None
        limit = f" of {self.limit}" if measured and self.limit is not None else ""
        judged = f", {self.judged}" if measured or self.accepted else ""
        return self.measured_text + limit + judged

    @property
    def text(self) -> str:
        """The same, with what it rests on: ``12.5 s of 5m, met (WHAT SAYS SO)``."""
        told = self.measured_seconds is not None or self.limit is None
        limit = "" if told else f"objective {self.limit}"
        rests_on = "; ".join(filter(None, (limit, self.note)))
        return f"{self.brief} ({rests_on})" if rests_on else self.brief

    @property
    def judged(self) -> str:
        """The judgement with its reason: ``missed, accepted by ann: customers wait``."""
        why = f": {self.withheld}" if self.withheld else ""
        by = f"accepted by {self.accepted}" if self.accepted else ""
        word = "" if self.word == "accepted" else self.word + why
        return ", ".join(filter(None, (word, by)))
