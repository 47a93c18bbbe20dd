"""Tell people what a watch has found, by the ways of the inventory that it is about."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from drtool.bootstrap import App
from drtool.connections.secrets import Secrets
from drtool.errors import DrtoolError
from drtool.journal.summary import RunSummary
from drtool.model.event import Instant
from drtool.model.notify import Notify
from drtool.model.pulse import Living
from drtool.notify.board import board
from drtool.notify.card import Card, Command, Note, Part, Text, Tone
from drtool.notify.delivery import deliver
from drtool.notify.opening import ways_of
from drtool.notify.threads import Threads
from drtool.progress.run_state import RunState
from drtool.runbook.load import Loaded
from drtool.verbs.records import list_runs, state_of
from drtool.verbs.watch.findings import About, News, What

# the process that tells a run's people goes on for half a minute after its engine
HERALD_SECONDS = 40.0
_TONES = {
    About.OUTAGE: Tone.BAD,
    About.SPLIT_BRAIN: Tone.BAD,
    About.ENGINE: Tone.BAD,
    About.WAITING: Tone.ASKING,
}


class Telling:
    """Brings news out on a thread of its own, one after the other.

    ``say`` hears what could not be delivered.
    """

    def __init__(
        self, app: App, services: Mapping[str, Loaded], say: Callable[[str], None]
    ) -> None:
        self._app, self._services, self._say = app, services, say
        self._news: queue.SimpleQueue[News | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._beside: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._work, name="telling", daemon=True)
        self._thread.start()

    def tell(self, news: News) -> None:
        """Have it told; returns at once."""
        self._news.put(news)

    def close(self, seconds: float) -> None:
        """Let the rest be told, for at most that long."""
        self._closing.set()
        self._news.put(None)
        end = time.monotonic() + seconds
        self._thread.join(seconds)
        for beside in self._beside:
            beside.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while (news := self._news.get()) is not None:
            if news.finding.about is About.ENGINE:  # it may wait for somebody else to tell it
                beside = threading.Thread(target=self._try, args=(news,), daemon=True)
                beside.start()
                self._beside = [one for one in self._beside if one.is_alive()] + [beside]
            else:
                self._try(news)

    def _try(self, news: News) -> None:
        try:
            self._bring_out(news)
        except DrtoolError as error:
            self._say(error.line())

    def _bring_out(self, news: News) -> None:
        finding = news.finding
        if finding.run:
            if news.what is not What.OVER:  # its new engine tells that itself
                self._about_run(news)
        elif finding.service in self._services:
            loaded = self._services[finding.service]
            if loaded.inventory.notify is not None:
                threads = self._threads(f"watch-{finding.service}")
                self._deliver(loaded.inventory.notify, loaded.directory, threads, news, None)
                if news.what is What.OVER:
                    threads.forget()

    def _about_run(self, news: News) -> None:
        """Into the run's own thread, unless its own process tells it."""
        state = state_of(news.finding.run, self._app)[1]
        notify = state.plan.inventory.notify
        if notify is None:
            return
        threads = self._threads(state.run)
        if news.finding.about is About.ENGINE:
            left = self._seconds_left_to_herald(news)
            if left is None or (left and self._closing.wait(left)) or threads.told_gone:
                return
        directory = Path(state.plan.inventory_source).parent.resolve()
        self._deliver(notify, directory, threads, news, state)

    def _seconds_left_to_herald(self, news: News) -> float | None:
        """How long a run's own process may take to tell it; None when it is that one's alone.

        After a reboot it is gone as its engine is; of one that hangs it tells as long as it lives.
        """
        summary = self._summary(news.finding.run)
        if summary is None or summary.life is None or summary.boot != self._app.clock.boot_id():
            return 0.0
        if summary.life.word is Living.HUNG:
            return None
        since = news.finding.since or news.at
        return max(0.0, HERALD_SECONDS - (news.at - since).total_seconds())

    def _summary(self, run: str) -> RunSummary | None:
        return next((one for one in list_runs(self._app).runs if one.run == run), None)

    def _deliver(
        self, notify: Notify, directory: Path, threads: Threads, news: News, state: RunState | None
    ) -> None:
        card = card_of(news)
        ways = ways_of(notify, Secrets(self._app.redactor, directory), threads)
        note = Note(news.finding.key, news.at, card, urgent=True, opens=state is None)
        account = deliver(ways, [note], lambda: card if state is None else self._board(state))
        for line in account.lines:
            self._say(self._app.redactor.clean(line))

    def _board(self, state: RunState) -> Card:
        """The first message of a run's thread, as it stands now."""
        now = Instant.now(self._app.clock)
        summary = self._summary(state.run)
        return board(state, now, life=summary.life if summary else None)

    def _threads(self, name: str) -> Threads:
        return Threads(self._app.home / "notices" / f"{name}.json")


def card_of(news: News) -> Card:
    """News as a message."""
    finding = news.finding
    if news.what is What.OVER:
        title = f"{finding.service}: {finding.about.value} is over"
        return Card(title, Tone.RUNNING, (Text(finding.text, lead="It was:"),))
    lasts = " lasts" if news.what is What.GOES_ON else ""
    typed = tuple(Command(command) for command in finding.commands)
    title = f"{finding.service}: {finding.about.value}{lasts}"
    parts: tuple[Part, ...] = (Text(finding.text), *typed)
    return Card(title, _TONES.get(finding.about, Tone.WARNING), parts, said=finding.text)


def line_of(news: News) -> str:
    """News as a line of the terminal."""
    word = {What.BEGUN: "", What.GOES_ON: "still: ", What.OVER: "over; it was: "}[news.what]
    return f"{word}{news.finding.text}"
