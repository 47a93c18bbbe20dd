"""Where questions to people wait for their answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from drtool.model.event import ConsentAsked, ConsentGiven, Request, Warned


@dataclass
class Waiter:
    """A question that somebody waits on; ``answer`` is set before ``done``."""

    asked: ConsentAsked
    done: threading.Event = field(default_factory=threading.Event)
    answer: ConsentGiven | None = None


class Desk:
    """Matches requests from other terminals with the questions that wait.

    A question is answered at most once: the first decision wins.
    """

    def __init__(self, service: str, requester: str) -> None:
        self._service, self._requester = service, requester
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiter] = {}

    @property
    def busy(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def put(self, waiter: Waiter) -> None:
        """Begin to wait."""
        with self._lock:
            self._waiting[waiter.asked.step] = waiter

    def answer(self, request: Request) -> tuple[Waiter | None, ConsentGiven | Warned]:
        """What a request means: an answer to a question, or a warning why it is none.

        The waiter is taken off the desk; its ``done`` is for the caller to set, once the answer
        is in the journal.
        """
        with self._lock:
            waiter = self._find(request.step)
            if waiter is None:
                what = f"step {request.step}" if request.step else "the run"
                return None, _warning(request, f"{what} does not wait for anybody")
            if request.verb != "deny" and request.service != self._service:
                return None, _warning(
                    request,
                    f"{request.service!r} was typed, the service is {self._service!r}; "
                    f"step {waiter.asked.step} still waits",
                )
            given = self._given(waiter, request)
            self._settle(waiter, given)
            return waiter, given

    def decide(self, request: Request) -> tuple[Waiter, ConsentGiven] | None:
        """Answer a step's question by trying it again, or by leaving it out; None without one."""
        with self._lock:
            waiter = self._waiting.get(request.step)
            if waiter is None:
                return None
            skipped = request.verb == "skip"
            given = ConsentGiven(
                step=waiter.asked.step,
                decision="skipped" if skipped else "approved",
                by=request.by,
                reason=request.reason,
                changes_digest=waiter.asked.changes_digest,
            )
            self._settle(waiter, given)
            return waiter, given

    def expire(self, waiter: Waiter) -> ConsentGiven | None:
        """End a wait because its time is up; None when it was answered meanwhile."""
        with self._lock:
            if waiter.answer is not None:
                return None
            given = ConsentGiven(
                step=waiter.asked.step,
                decision="expired",
                reason="nobody answered in time",
                changes_digest=waiter.asked.changes_digest,
            )
            self._settle(waiter, given)
            return given

    def dismiss(self) -> None:
        """Wake everybody without an answer: the run stops."""
        with self._lock:
            waiting, self._waiting = list(self._waiting.values()), {}
        for waiter in waiting:
            waiter.done.set()

    def _find(self, step: str) -> Waiter | None:
        if step:
            return self._waiting.get(step)
        return next(iter(self._waiting.values())) if len(self._waiting) == 1 else None

    def _given(self, waiter: Waiter, request: Request) -> ConsentGiven:
        return ConsentGiven(
            step=waiter.asked.step,
            decision="denied" if request.verb == "deny" else "approved",
            by=request.by,
            self_consented=request.by == self._requester and request.verb != "deny",
            reason=request.reason,
            changes_digest=waiter.asked.changes_digest,
        )

    def _settle(self, waiter: Waiter, given: ConsentGiven) -> None:
        waiter.answer = given
        self._waiting.pop(waiter.asked.step, None)


def _warning(request: Request, text: str) -> Warned:
    return Warned(about="request", text=f"{request.verb} by {request.by}: {text}")
