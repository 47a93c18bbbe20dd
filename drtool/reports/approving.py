"""Who approved, with which key, and how anybody can verify it later."""

from __future__ import annotations

from drtool.model.approving import ApprovalGiven
from drtool.model.signed import Signed
from drtool.progress.moments import seconds_between
from drtool.progress.run_state import Consent, RunState
from drtool.reports.values import ApprovalLine, ConsentLine


def consent_line(state: RunState, consent: Consent) -> ConsentLine:
    """A question and its answer, with each single one of several."""
    asked, given = consent.asked, consent.given
    until = consent.given_at or state.ended_at or state.last
    return ConsentLine(
        step=asked.step,
        what=asked.what,
        of=asked.of,
        text=asked.text,
        asked=consent.asked_at.wall,
        asked_seconds=max(0.0, seconds_between(state.started, consent.asked_at)),
        waited_seconds=max(0.0, seconds_between(consent.asked_at, until)),
        decision=given.decision if given else "",
        by=given.by if given else "",
        self_consented=given.self_consented if given else False,
        reason=given.reason if given else "",
        needs=asked.needs,
        approvals=tuple(map(approval_line, consent.approvals)),
        evidence=given.evidence if given else (),
        break_glass=given.break_glass if given else False,
        void=consent.void,
    )


def approval_line(given: ApprovalGiven) -> ApprovalLine:
    """One person's answer."""
    return _line(
        given.signed,
        by=given.by,
        decision=given.decision,
        self_consented=given.self_consented,
        break_glass=given.break_glass,
        reason=given.reason,
    )


def start_line(state: RunState) -> ApprovalLine | None:
    """Who began the run, where it is proven."""
    if state.signed is None:
        return None
    return _line(
        state.signed,
        by=state.signed.by,
        decision="began the run",
        break_glass=bool(state.break_glass),
        reason=state.break_glass,
    )


def verify_text(state: RunState) -> str:
    """What to type for it; "" where nothing is signed."""
    proven = state.signed is not None or any(
        one.signed for consent in state.consents for one in consent.approvals
    )
    return f"drtool report {state.run} --approvals DIRECTORY" if proven else ""


def _line(signed: Signed | None, **said: object) -> ApprovalLine:
    shown = (
        {
            "fingerprint": signed.fingerprint,
            "key": signed.key,
            "message": signed.message,
            "signature": signed.signature,
        }
        if signed
        else {}
    )
    return ApprovalLine.model_validate({**said, **shown})
