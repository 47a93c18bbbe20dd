"""How a step's work came out, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drtool.model.change import Change
from drtool.model.event import Instant, StepEnded, Via
from drtool.model.proof import Proof
from drtool.model.purpose import Outcome
from drtool.model.value import Fields


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome, and what belongs to it; see ``StepEnded``."""

    outcome: Outcome
    reason: str = ""
    hint: str = ""
    seen: Fields = field(default_factory=dict)
    changes: Sequence[Change] = ()
    proofs: Sequence[Proof] = ()
    answered: Instant | None = None
    adopted: bool = False
    by: str = ""


def left_out(by: str, reason: str) -> Result:
    """The result of a step that a person had left out."""
    why = f": {reason}" if reason else ""
    return Result(Outcome.SKIPPED, f"left out by {by}{why}", by=by)


def skipped(step: str, reason: str, by: str = "") -> StepEnded:
    """The event of a step that was never begun."""
    return StepEnded(step=step, outcome=Outcome.SKIPPED, via=Via.DIRECT, reason=reason, by=by)


def words_of(error: BaseException) -> str:
    """What an action raised that is none of our errors, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
