"""The ways by which notes go out: how each of them says a thing, and when it needs a rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from drtool.connections.slack import Blocks, Posted
from drtool.connections.slack_refusal import ABOUT_CHANGE, ABOUT_FORM, Refusal
from drtool.notify.card import Card, Note
from drtool.notify.form import as_blocks, as_text

REST_SECONDS, LONGEST_REST_SECONDS = 5.0, 60.0
_ROOT_GONE = frozenset({"invalid_thread_ts", "thread_not_found", "message_not_found"})
Answer = Posted | Refusal


class Channels(Protocol):
    """A workspace; see ``drtool.connections.slack``."""

    def post(
        self, channel: str, text: str, blocks: Blocks = (), *, thread: str = "", shown: bool = False
    ) -> Answer:
        """Post a message."""

    def update(self, message: Posted, text: str, blocks: Blocks = ()) -> Answer:
        """Put another content in a message's place."""


class Hook(Protocol):
    """An incoming webhook; see ``drtool.connections.slack``."""

    def post(self, text: str, blocks: Blocks = ()) -> Answer:
        """Post a message."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request to one way: ``send`` makes it, ``note`` is what it delivers, if anything."""

    way: Way
    what: str
    send: Callable[[], Answer]
    note: Note | None = None


class Way:
    """One way; it rests after a failure, longer each time, and is given up after a lasting one.

    ``house`` is the same for ways that fail together.
    """

    def __init__(self, name: str, house: str) -> None:
        self.name, self.house = name, house
        self.dead: Refusal | None = None
        self.rests_until = 0.0
        self._rest = REST_SECONDS
        self._bidden = False
        self._plain = False

    def open_at(self, now: float) -> bool:
        """Whether it takes a request now."""
        return self.dead is None and now >= self.rests_until

    def job_for(self, note: Note, board: Callable[[], Card]) -> Job:
        """The next request that brings a note out."""
        raise NotImplementedError

    def job_for_board(self, board: Callable[[], Card]) -> Job | None:
        """The request that brings the first message up to date; None when there is none."""
        del board
        return None

    def took(self, job: Job, posted: Posted) -> bool:
        """A request was answered well; whether the job's note is delivered by it."""
        del posted
        self._rest = REST_SECONDS
        return job.note is not None

    def refused(self, job: Job, refusal: Refusal, now: float) -> bool:
        """A request was refused; whether the way knows another form to try at once."""
        del job
        if refusal.code in ABOUT_FORM and not self._plain:
            self._plain = True
            return True
        self.rest(refusal, now)
        return False

    def rest(self, refusal: Refusal, now: float) -> None:
        """Take nothing for a while, or nothing more."""
        if refusal.lasting and refusal.code not in ABOUT_FORM:
            self.dead = refusal
        self._bidden = refusal.retry_after is not None
        self.rests_until = now + (refusal.retry_after or self._rest)
        self._rest = min(self._rest * 2, LONGEST_REST_SECONDS)

    def wake(self) -> None:
        """Try once more, for there is not much time left; but not where Slack bade us wait."""
        if not self._bidden:
            self.rests_until = 0.0


class SlackWay(Way):
    """A channel of a workspace: one thread, whose first message is kept up to date."""

    def __init__(
        self,
        api: Channels,
        channel: str,
        mentions: Mapping[str, str],
        root: Posted | None = None,
        rooted: Callable[[Posted], None] = lambda _: None,
    ) -> None:
        super().__init__(f"Slack channel {channel}", "slack")
        self.channel = channel
        self.root = root
        self._api, self._mentions, self._rooted = api, mentions, rooted
        self._asked: dict[str, Posted] = {}
        self._changes = True

    def job_for(self, note: Note, board: Callable[[], Card]) -> Job:
        """The first message if there is none, else a reply, or another text for a question."""
        if self.root is None:
            text, blocks = self._content(board(), first=True)
            root = self.channel
            return Job(self, "root", lambda: self._api.post(root, text, blocks), note)
        text, blocks = self._content(note.card)
        question = self._asked.get(note.answers)
        if question is not None and self._changes:
            return Job(self, "answer", lambda: self._api.update(question, text, blocks), note)
        top = self.root

        def reply() -> Answer:
            return self._api.post(
                top.channel or self.channel, text, blocks, thread=top.ts, shown=note.urgent
            )

        return Job(self, "reply", reply, note)

    def job_for_board(self, board: Callable[[], Card]) -> Job | None:
        """Another text for the first message."""
        top = self.root
        if top is None or not self._changes:
            return None
        text, blocks = self._content(board(), first=True)
        return Job(self, "board", lambda: self._api.update(top, text, blocks))

    def took(self, job: Job, posted: Posted) -> bool:
        """Keep what later messages refer to."""
        super().took(job, posted)
        if job.what == "root":
            self.root = posted
            self._rooted(posted)
            return job.note is not None and job.note.opens
        if job.note is not None and job.note.key:
            self._asked[job.note.key] = posted
        return job.note is not None

    def refused(self, job: Job, refusal: Refusal, now: float) -> bool:
        """A message that may not be changed is answered; a thread that is gone is begun anew."""
        if refusal.code in _ROOT_GONE and job.what in {"reply", "board"}:
            self.root = None
            return True
        if refusal.code in ABOUT_CHANGE and job.what in {"answer", "board"}:
            if refusal.code not in _ROOT_GONE:
                self._changes = False
            elif job.note is not None:
                self._asked.pop(job.note.answers, None)
            return True
        return super().refused(job, refusal, now)

    def _content(self, card: Card, *, first: bool = False) -> tuple[str, Blocks]:
        text = as_text(card, self._mentions)
        return text, () if self._plain else as_blocks(card, self._mentions, first=first)


class WebhookWay(Way):
    """An incoming webhook: one message after the other."""

    def __init__(self, hook: Hook, mentions: Mapping[str, str]) -> None:
        super().__init__("the webhook", "webhook")
        self._hook, self._mentions = hook, mentions

    def job_for(self, note: Note, board: Callable[[], Card]) -> Job:
        """The note as a message."""
        del board
        text = as_text(note.card, self._mentions)
        blocks = () if self._plain else as_blocks(note.card, self._mentions)
        return Job(self, "post", lambda: self._hook.post(text, blocks), note)


class NoWay(Way):
    """A way that cannot be gone, because something is missing here."""

    def __init__(self, name: str, why: Refusal) -> None:
        super().__init__(name, "")
        self.dead = why
