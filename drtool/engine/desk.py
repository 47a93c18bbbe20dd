"""Where questions to people wait for their answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from drtool.engine.quorum import Quorum
from drtool.model.approving import ApprovalGiven, ApprovalVoided
from drtool.model.event import Body, ConsentAsked, ConsentGiven, Request, Warned
from drtool.model.steering import StepDirected

_ANEW = "it answers a question that was asked anew since"


@dataclass
class Waiter:
    """A question that somebody waits on; ``answer`` is set before ``done``.

    ``approvals`` are those that have come of the several that are wanted. ``ends`` is the
    monotonic time at which nobody may answer any more.
    """

    asked: ConsentAsked
    approvals: tuple[ApprovalGiven, ...] = ()
    done: threading.Event = field(default_factory=threading.Event)
    answer: ConsentGiven | None = None
    ends: float | None = None


class Desk:
    """Matches requests from other terminals with the questions that wait.

    A question is answered at most once: the first decision wins, of each person too.
    """

    def __init__(self, service: str, quorum: Quorum) -> None:
        self._service, self._quorum = service, quorum
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiter] = {}
        self._settled: dict[str, ConsentGiven] = {}

    @property
    def busy(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def put(self, waiter: Waiter) -> None:
        """Begin to wait."""
        with self._lock:
            self._waiting[waiter.asked.step] = waiter

    def answer(self, request: Request, now: float) -> tuple[Waiter | None, tuple[Body, ...]]:
        """What a request means: an answer to a question, one of several, or why it is none.

        ``now`` is the monotonic time: a question whose time is up is answered by that.
        With an answer the waiter is taken off the desk and given back; its ``done`` is for the
        caller to set, once the answer is in the journal.
        """
        with self._lock:
            waiter = self._find(request.step)
            if waiter is None:
                return None, (_warning(request, self.why_not(request.step)),)
            if (late := self._too_late(waiter, request, now)) is not None:
                return waiter, late
            if (reason := self._reason_not_to_judge(waiter.asked, request)) is not None:
                text = f"{reason}; step {waiter.asked.step} still waits"
                return None, (_warning(request, text),)
            voided = self._void(waiter)
            judged = self._quorum.judge(waiter.asked, waiter.approvals, request)
            if isinstance(judged, str):
                return None, (*voided, _warning(request, judged))
            waiter.approvals = (*waiter.approvals, judged)
            each: tuple[Body, ...] = (judged,) if self._quorum.tells_each(waiter.asked) else ()
            each = (*each, *_loudly(judged))
            given = self._quorum.enough(waiter.asked, waiter.approvals)
            if given is None:
                return None, (*voided, *each)
            given = given.model_copy(update={"evidence": request.evidence})
            self._settle(waiter, given)
            return waiter, (*voided, *each, given)

    def restore(self, waiter: Waiter, approvals: tuple[ApprovalGiven, ...]) -> tuple[Body, ...]:
        """Take up the approvals that an earlier engine was given; those that are void now."""
        waiter.approvals = approvals
        return self._void(waiter)

    def decide(
        self, request: Request, directed: StepDirected, now: float
    ) -> tuple[Waiter | None, tuple[Body, ...]] | None:
        """Answer a step's question by trying it again, or by leaving it out; None without one.

        ``directed`` is what is written of it beside the answer; ``now`` is as in ``answer``. Who
        has not read this question does not answer it.
        """
        with self._lock:
            waiter = self._waiting.get(request.step)
            if waiter is None:
                return None
            if (late := self._too_late(waiter, request, now)) is not None:
                return waiter, late
            if (reason := _reason_not_to_decide(waiter.asked, request)) is not None:
                text = f"{reason}; step {waiter.asked.step} still waits"
                return None, (_warning(request, text),)
            given = decision(waiter.asked, request)
            self._settle(waiter, given)
            return waiter, (directed, given)

    def expire(self, waiter: Waiter) -> ConsentGiven | None:
        """End a wait because its time is up; None when it was answered meanwhile."""
        with self._lock:
            if waiter.answer is not None:
                return None
            return self._expire(waiter)

    def dismiss(self) -> None:
        """Wake everybody without an answer: the run stops."""
        with self._lock:
            waiting, self._waiting = list(self._waiting.values()), {}
        for waiter in waiting:
            waiter.done.set()

    def _reason_not_to_judge(self, asked: ConsentAsked, request: Request) -> str | None:
        """Why a request is no answer to the question; whoever says no need not have read it."""
        if request.verb == "deny":
            return None
        if not is_meant(asked, request):
            return _ANEW
        typed = request.service == self._service
        if not typed and not (request.verb == "confirm" and asked.what == "manual"):
            return f"{request.service!r} was typed, the service is {self._service!r}"
        return None

    def _too_late(self, waiter: Waiter, request: Request, now: float) -> tuple[Body, ...] | None:
        """What is written when the time is up; an engine that stood still may not have noticed."""
        if waiter.ends is None or now <= waiter.ends:
            return None
        return self._expire(waiter), _warning(request, self.why_not(waiter.asked.step))

    def _find(self, step: str) -> Waiter | None:
        if step:
            return self._waiting.get(step)
        return next(iter(self._waiting.values())) if len(self._waiting) == 1 else None

    def _void(self, waiter: Waiter) -> tuple[ApprovalVoided, ...]:
        """Those of a question's approvals that count no more; they are taken off."""
        judged = [(one, self._quorum.reason_void(waiter.asked, one)) for one in waiter.approvals]
        waiter.approvals = tuple(one for one, reason in judged if reason is None)
        return tuple(
            ApprovalVoided(step=one.step, by=one.by, reason=reason)
            for one, reason in judged
            if reason
        )

    def why_not(self, step: str) -> str:
        """Why a step waits for nobody: an answer that comes late is told so."""
        given = self._settled.get(step)
        if given is None:
            return f"{f'step {step}' if step else 'the run'} does not wait for anybody"
        if given.decision == "expired":
            return f"step {step} has expired: {given.reason}; this answer came too late"
        return f"step {step} was {given.decision} by {given.by} already; the first decision counts"

    def _expire(self, waiter: Waiter) -> ConsentGiven:
        given = ConsentGiven(
            step=waiter.asked.step,
            decision="expired",
            reason=_missed(waiter),
            changes_digest=waiter.asked.changes_digest,
        )
        self._settle(waiter, given)
        return given

    def _settle(self, waiter: Waiter, given: ConsentGiven) -> None:
        waiter.answer = self._settled[waiter.asked.step] = given
        self._waiting.pop(waiter.asked.step, None)


def is_meant(asked: ConsentAsked, request: Request) -> bool:
    """Whether a request answers this question, as far as it says which one was read."""
    same_changes = request.changes_digest in {None, asked.changes_digest}
    return same_changes and request.expires in {None, asked.expires}


def decision(asked: ConsentAsked, request: Request) -> ConsentGiven:
    """The answer of a person who has a step tried again, or left out."""
    return ConsentGiven(
        step=asked.step,
        decision="skipped" if request.verb == "skip" else "approved",
        by=request.by,
        reason=request.reason,
        changes_digest=asked.changes_digest,
    )


def _reason_not_to_decide(asked: ConsentAsked, request: Request) -> str | None:
    """Why a word about a step is no answer to its question; another try wants it read."""
    if request.verb == "retry" and request.expires is None:
        return "it was said of no question, and this one is to be read first"
    return None if is_meant(asked, request) else _ANEW


def _loudly(given: ApprovalGiven) -> tuple[Warned, ...]:
    if not given.break_glass:
        return ()
    text = f"BREAK-GLASS: {given.by} alone approved {given.step}: {given.reason}"
    return (Warned(about="break_glass", text=text),)


def _missed(waiter: Waiter) -> str:
    if not waiter.approvals:
        return "nobody answered in time"
    names = " and ".join(one.by for one in waiter.approvals)
    return f"only {len(waiter.approvals)} of {waiter.asked.needs} approved in time: {names}"


def _warning(request: Request, text: str) -> Warned:
    return Warned(about="request", text=f"{request.verb} by {request.by}: {text}")
