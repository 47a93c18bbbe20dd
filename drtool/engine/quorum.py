"""Whether an answer counts: signed by whom it says, of what was asked, by somebody who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from drtool.connections.ssh_signature import reason_not_signed
from drtool.model.approving import ApprovalGiven
from drtool.model.event import ConsentAsked, ConsentGiven, Request, RunStarted
from drtool.model.inventory import Inventory
from drtool.model.public_key import fingerprint_of
from drtool.model.signed import Signed
from drtool.model.signed_text import Answer, answer_text, differing, request_text
from drtool.safety.rights import reason_not_to_answer, reason_not_to_start

InventoryNow = Callable[[], Inventory | None]
FRESH = timedelta(minutes=15)


class Quorum:
    """Judges the answers to the questions of one run.

    Who may is read from the inventory that is stored with the run; ``now`` reads the file as it is
    today, and a key or a right that was taken from it does not count any more. A file that cannot
    be read takes nothing away.
    """

    def __init__(self, run: str, begun: RunStarted, now: InventoryNow | None = None) -> None:
        self._run, self._begun = run, begun
        self._inventory, self._now = begun.plan.inventory, now
        self._requester = begun.signed.by if begun.signed else begun.requester

    def judge(
        self, asked: ConsentAsked, so_far: Sequence[ApprovalGiven], request: Request
    ) -> ApprovalGiven | str:
        """The answer that a request gives, or why it is none."""
        denies, by = request.verb == "deny", request.by
        if any(one.by == by for one in so_far):
            return f"{by} has answered already; the first decision counts"
        if request.break_glass and not request.reason.strip():
            return "--break-glass needs a reason"
        if self._inventory.proves_identity:
            reason = self._reason_not_signed(asked, request) or self._reason_not_to_count(
                asked, by, request.signed, denies=denies, break_glass=request.break_glass
            )
            if reason is not None:
                return reason
        return ApprovalGiven(
            step=asked.step,
            decision="denied" if denies else "approved",
            by=by,
            number=len(so_far) + 1,
            needs=asked.needs,
            reason=request.reason,
            self_consented=by == self._requester and not denies,
            break_glass=request.break_glass and not denies,
            signed=request.signed,
        )

    def reason_void(self, asked: ConsentAsked, given: ApprovalGiven) -> str | None:
        """Why an approval that counted does not any more; costs a look at a file's date."""
        if given.signed is None or given.decision == "denied":
            return None
        return self._reason_not_to_count(
            asked, given.by, given.signed, denies=False, break_glass=given.break_glass
        )

    def enough(self, asked: ConsentAsked, answers: Sequence[ApprovalGiven]) -> ConsentGiven | None:
        """The answer as a whole, once there is one: a no, or as many as were wanted."""
        last = answers[-1] if answers else None
        if last is None:
            return None
        denied, broken = last.decision == "denied", any(one.break_glass for one in answers)
        if not denied and not broken and len(answers) < asked.needs:
            return None
        said = (last,) if denied else tuple(answers)
        return ConsentGiven(
            step=asked.step,
            decision=last.decision,
            by=" and ".join(one.by for one in said),
            self_consented=any(one.self_consented for one in said),
            reason="; ".join(dict.fromkeys(one.reason for one in said if one.reason)),
            changes_digest=asked.changes_digest,
            break_glass=broken and not denied,
        )

    def tells_each(self, asked: ConsentAsked) -> bool:
        """Whether each single answer stands in the journal beside the answer as a whole."""
        return self._inventory.proves_identity or asked.needs > 1

    def reason_not_to_take(self, request: Request, now: datetime) -> str | None:
        """Why a word that steers the run does not count."""
        if not self._inventory.proves_identity:
            return None
        signed, procedure = request.signed, self._begun.plan.procedure
        if signed is None:
            return "is not signed: nobody knows who says it"
        differs = differing(request_text(request, request.by), signed.message)
        if differs or signed.by != request.by:
            return f"the signature is for something else: {differs or signed.by}"
        if abs(now - request.at) > FRESH:
            return f"was signed at {request.at:%H:%M:%S}Z, which is too long ago"
        for inventory, when in self._inventories():
            reason = self._reason_of_key(inventory, signed, when)
            if reason is None:
                judged = reason_not_to_start(inventory, request.by, self._begun.mode, procedure)
                reason = f"{judged}{when}" if judged else None
            if reason is not None:
                return reason
        return reason_not_signed(signed.message, signed.signature, signed.key)

    def _reason_not_signed(self, asked: ConsentAsked, request: Request) -> str | None:
        signed = request.signed
        if signed is None:
            return "is not signed: nobody knows who says it; it takes a key of the inventory"
        answer = Answer(
            by=request.by,
            decision="denied" if request.verb == "deny" else "approved",
            reason=request.reason,
            break_glass=request.break_glass,
            evidence=request.evidence,
        )
        begun = self._begun
        wanted = answer_text(self._run, begun.mode, begun.plan, asked, answer)
        differs = differing(wanted, signed.message)
        if differs or signed.by != request.by:
            return f"the signature is for something else: {differs or f'by {signed.by}'}"
        reason = reason_not_signed(signed.message, signed.signature, signed.key)
        return f"the answer {reason}" if reason else None

    def _reason_not_to_count(
        self,
        asked: ConsentAsked,
        by: str,
        signed: Signed | None,
        *,
        denies: bool,
        break_glass: bool,
    ) -> str | None:
        """What stands against a person's answer, by the stored inventory or by today's."""
        if signed is None:
            return None
        for inventory, when in self._inventories():
            reason = self._reason_of_key(inventory, signed, when)
            if reason is None and not break_glass:
                requester, mode = self._requester, self._begun.mode
                judged = reason_not_to_answer(asked, inventory, by, requester, mode, denies=denies)
                reason = f"{judged}{when}" if judged else None
            if reason is not None:
                return reason
        return None

    def _inventories(self) -> Iterator[tuple[Inventory, str]]:
        """The inventory that is stored with the run and that of today, with how each is told."""
        yield self._inventory, ""
        today = self._now() if self._now is not None else None
        if today is not None:
            yield today, " any more"

    def _reason_of_key(self, inventory: Inventory, signed: Signed, when: str = "") -> str | None:
        known = inventory.people.get(signed.by)
        if known is not None and known.has(signed.key):
            return None
        shown = fingerprint_of(signed.key)
        return f"key {shown} is not one of {signed.by} in the inventory{when}"
