"""What goes out next, by which way; decided on values, with the time as an argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drtool.connections.slack_refusal import ABOUT_FORM, Refusal
from drtool.notify.account import Account, Ledger
from drtool.notify.card import Card, Note
from drtool.notify.outbox import Outbox
from drtool.notify.ways import Answer, Job, Way

SPACING_SECONDS = 2.0  # Slack takes some fifty changes a minute
QUICKEST_SECONDS, SLOWEST_SECONDS = 3.0, 30.0


class Dispatch:
    """Holds the notes that wait, and hands out one request at a time.

    Notes keep their order, so a way that fails holds up all of them until another way is open.
    The first message is brought up to date when no note can go: what it says is newer than any.
    """

    def __init__(self, ways: Sequence[Way], board: Callable[[], Card]) -> None:
        self._ways, self._board = tuple(ways), board
        self._outbox, self._ledger = Outbox(), Ledger()
        self._job: Job | None = None
        self._began: float | None = None
        self._last = False
        self._stale: set[str] = set()
        self._refreshed: dict[str, float] = {}
        for way in self._ways:
            if way.dead is not None:
                self._ledger.refused(way.name, way.dead)

    def put(self, note: Note) -> None:
        """Have a note delivered."""
        for gone in self._outbox.put(note):
            self._ledger.lost(gone, "too many notes waited")

    def changed(self) -> None:
        """The run stands otherwise than the first message says."""
        self._stale = {way.name for way in self._ways}

    def last(self) -> None:
        """Nothing more will come; every way is tried once more."""
        if self._last:
            return
        self._last = True
        self.changed()
        for way in self._ways:
            way.wake()

    def next(self, now: float) -> Job | None:
        """The request to make now; None while one is under way, or when nothing can be done."""
        if self._job is not None:
            return None
        self._began = now if self._began is None else self._began
        self._job = self._for_note(now) or self._for_board(now)
        if self._job is not None and self._job.note is not None:
            self._ledger.tried(self._job.note)
        return self._job

    def done(self, answer: Answer, now: float) -> None:
        """The answer to the request that was handed out."""
        job, self._job = self._job, None
        if job is None:
            return
        if isinstance(answer, Refusal):
            self._refused(job, answer, now)
            return
        if job.what == "root":
            self._refreshed[job.way.name] = now
        if job.way.took(job, answer) and job.note is not None:
            self._outbox.take(job.note)
            self._ledger.delivered()

    def account(self) -> Account:
        """What became of all notes so far."""
        settled = self._job is None and not self._outbox.waiting and not self._owing()
        return self._ledger.account(self._outbox.waiting, settled=settled)

    def _for_note(self, now: float) -> Job | None:
        note = self._outbox.first()
        if note is None:
            return None
        if all(way.dead is not None for way in self._ways):
            for one in self._outbox.waiting:
                self._ledger.lost(one, "no way is left")
                self._outbox.take(one)
            return None
        way = next((way for way in self._ways if way.open_at(now)), None)
        return way.job_for(note, self._board) if way is not None else None

    def _for_board(self, now: float) -> Job | None:
        for way in self._ways:
            if way.open_at(now) and self._due(way, now):
                job = way.job_for_board(self._board)
                if job is not None:
                    self._refreshed[way.name] = now
                    self._stale.discard(way.name)
                    return job
        return None

    def _due(self, way: Way, now: float) -> bool:
        """Whether the first message is old: soon after a change, and now and then for its clock."""
        since = now - self._refreshed.get(way.name, float("-inf"))
        if way.name in self._stale:
            return self._last or since >= SPACING_SECONDS
        lasted = now - (self._began or now)
        return not self._last and since >= min(SLOWEST_SECONDS, max(QUICKEST_SECONDS, lasted / 60))

    def _owing(self) -> bool:
        """Whether a first message still says that the run goes on."""
        return self._last and any(
            way.dead is None and way.name in self._stale and way.job_for_board(self._board)
            for way in self._ways
        )

    def _refused(self, job: Job, refusal: Refusal, now: float) -> None:
        way = job.way
        again = way.refused(job, refusal, now)
        if again and refusal.code in ABOUT_FORM:
            self._stale.add(way.name)
            return
        if again and job.note is not None:
            return
        self._ledger.refused(way.name, refusal, job.note)
        if job.what == "board" and self._last:
            self._stale.add(way.name)
        if refusal.whole and not again:
            for other in self._ways:
                if other is not way and other.house == way.house:
                    other.rest(refusal, now)
