"""What the journal holds of single approvals: one answer needs as many as its role says."""

from __future__ import annotations

from typing import Literal

from drtool.model.signed import Signed
from drtool.model.value import Value


class ApprovalGiven(Value):
    """One person answered a question that is put to several, or signed the answer.

    ``number`` of ``needs`` approvals were there with it. ``signed`` is None where nobody in the
    inventory has a key. ``break_glass`` says that the rules of who may were put aside for it.
    """

    kind: Literal["approval.given"] = "approval.given"
    step: str
    decision: Literal["approved", "denied"]
    by: str
    number: int = 1
    needs: int = 1
    reason: str = ""
    self_consented: bool = False
    break_glass: bool = False
    signed: Signed | None = None


class ApprovalVoided(Value):
    """An approval does not count any more, and is asked for again."""

    kind: Literal["approval.voided"] = "approval.voided"
    step: str
    by: str
    reason: str
