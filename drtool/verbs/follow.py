"""Follow a run from any terminal, through its journal alone."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from drtool.bootstrap import App, build
from drtool.clock import Clock
from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput
from drtool.journal.store import Journal
from drtool.journal.trouble import damaged
from drtool.model.event import ConsentAsked, Event, Instant, Request
from drtool.model.pulse import Life, Living
from drtool.process import runs
from drtool.progress.approvals import answer_to, so_far
from drtool.progress.run_state import RunState
from drtool.progress.state import Folder
from drtool.safety.rights import reason_not_to_answer
from drtool.verbs.answer import signed
from drtool.verbs.identity import Identity, identity_if_any, signer_of
from drtool.verbs.records import engine_life, records
from drtool.verbs.request import requester

LEAVE_SECONDS = 5.0
LIFE_SECONDS = 1.0


@dataclass
class Following:
    """A run that is being followed; call ``poll`` again and again until ``over``.

    ``life`` is how its engine was a second ago at most; None before the first look and after the
    run's end. ``signer`` has the keys by which its follower answers.
    """

    app: App
    run: str
    journal: Journal
    folder: Folder = field(default_factory=Folder)
    seen: int = 0
    life: Life | None = None
    signer: Signer | None = None
    _identity: Identity | None = None
    _ended_at: float | None = None
    _looked_at: float = 0.0
    _gone: bool = False

    @property
    def state(self) -> RunState:
        """The run as far as it was followed."""
        return self.folder.state

    @property
    def clock(self) -> Clock:
        """The clock that elapsed times are told by."""
        return self.app.clock

    def now(self) -> Instant:
        """This moment."""
        return Instant.now(self.app.clock)

    def poll(self) -> list[Event]:
        """The events since the last call."""
        fresh = self.journal.events(self.run, self.seen)
        for event in fresh:
            self.folder.apply(event)
            self.seen = event.seq
        if self.seen and self.state.ended is not None and self._ended_at is None:
            self._ended_at = time.monotonic()
        return fresh

    @property
    def over(self) -> bool:
        """Whether nothing more will come: the engine has left, or takes too long to.

        After the run's end it may still say what Prefect has not recorded.
        """
        if self._ended_at is not None:
            gone = not runs(self.state.pid, self.state.process) and not self._unseen
            return gone or time.monotonic() - self._ended_at > LEAVE_SECONDS
        if self._gone:
            return True  # however soon it is asked again
        if time.monotonic() - self._looked_at < LIFE_SECONDS or not self.seen:
            return False
        self._looked_at = time.monotonic()
        try:
            self.life = engine_life(self.run, self.app)
        except BadInput as error:
            raise damaged(self.journal.path, "it was deleted while it was in use") from error
        if self.life is None or self.life.word is not Living.GONE:
            return False
        self._gone = not self._unseen
        return self._gone

    @property
    def _unseen(self) -> bool:
        return bool(self.journal.events(self.run, self.seen))

    @property
    def identity(self) -> Identity | None:
        """Who sits here, where people have keys; looked for once."""
        if self._identity is None and self.state.plan.inventory.proves_identity:
            signer = self.signer or signer_of()
            self._identity = identity_if_any(self.state.plan.inventory, signer)
        return self._identity

    def standing(self, asked: ConsentAsked) -> str:
        """How far a question has come: who has approved, who is waited for."""
        return "".join(
            so_far(one, self.state) for one in self.state.waiting_for if one.asked == asked
        )

    def reason_not_to_ask(self, asked: ConsentAsked) -> str | None:
        """Why a question is not put at this terminal: its person's answer would not count."""
        state, who = self.state, self.identity
        if not state.plan.inventory.proves_identity:
            return None
        typed = answer_to(self.run, asked.step, asked.what, state.plan.service)
        if who is None:
            return f"No key of the inventory is at hand here. Elsewhere: {typed} --key FILE"
        reason = reason_not_to_answer(
            asked, state.plan.inventory, who.person, state.requester_name, state.mode
        )
        return f"{reason}: {typed}" if reason else None

    def answer(self, asked: ConsentAsked, *, approve: bool, service: str = "") -> None:
        """Answer a question of the run; raises BadInput when it cannot be signed."""
        request = Request(
            run=self.run,
            verb="approve" if approve else "deny",
            step=asked.step,
            service=service,
            by=requester(),
            at=self.app.clock.wall(),
            changes_digest=asked.changes_digest,
            expires=asked.expires,
        )
        if self.identity is not None:
            request = signed(request, self.state, asked, self.identity)
        journal = self.app.journal()
        journal.request(request)
        journal.close()

    def abort(self, reason: str) -> None:
        """Ask the run to stop."""
        journal = self.app.journal()
        journal.request(
            Request(run=self.run, verb="abort", by=requester(), reason=reason, at=self.clock.wall())
        )
        journal.close()


def following(run: str, signer: Signer | None = None) -> Following:
    """Begin to follow a run."""
    app = build()
    return Following(app=app, run=run, journal=records(app), signer=signer)
