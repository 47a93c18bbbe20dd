"""The process that tells people of a run: ``python -m drtool.notify.herald``.

It is a process of its own so that nothing it does, from importing a library to waiting for a
server that hangs, takes anything from the engine. It reads lines from standard input and writes
accounts to standard output; when the engine is gone it says so, and goes on for half a minute
with what has not arrived.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from drtool.clock import SystemClock
from drtool.connections.secrets import Secrets
from drtool.model.event import Instant
from drtool.model.pulse import Life, Living
from drtool.notify.account import Account
from drtool.notify.brief import Begin, Heard, Line, Over, decoded
from drtool.notify.card import Card
from drtool.notify.dispatch import Dispatch
from drtool.notify.opening import ways_of
from drtool.notify.telling import GONE, Teller
from drtool.notify.threads import Threads
from drtool.notify.vigil import Vigil
from drtool.notify.ways import Answer, Job, Way
from drtool.redact import Redactor

TICK_SECONDS = 0.25
AFTERWARDS_SECONDS = 30.0
PATIENT = 10  # how far below the engine it stands in line for a processor


class Herald:
    """Takes lines and answers on one thread, and has requests made on another.

    ``say`` gets the account when there is trouble, and every change once it was asked for.
    """

    def __init__(
        self,
        ways: tuple[Way, ...],
        say: Callable[[Account], None],
        journal: Path | None = None,
    ) -> None:
        self.inbox: queue.SimpleQueue[Line | Answer | None] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._clock = SystemClock()
        self._teller = Teller()
        self._dispatch = Dispatch(ways, self._board)
        self._say, self._said, self._asked = say, Account(), False
        self._vigil = Vigil(journal, self._clock)
        self._left_at: datetime | None = None
        self._leave_at = float("inf")
        threading.Thread(target=self._work, name="requests", daemon=True).start()

    def serve(self) -> None:
        """Go on until the engine is gone and all is told, or its time is over."""
        while time.monotonic() < self._leave_at:
            self._take()
            self._look_at_engine()
            job = self._dispatch.next(time.monotonic())
            if job is not None:
                self._jobs.put(job)
            account = self._dispatch.account()
            if account != self._said and (self._asked or account.lines != self._said.lines):
                self._said = account
                self._say(account)
            if self._left_at is not None and account.settled:
                break

    @property
    def told_gone(self) -> bool:
        """Whether people know that the engine is gone, as far as it can be known."""
        account = self._dispatch.account()
        if self._left_at is None or self._ended or self._teller.folder.start is None:
            return False
        return account.settled and not any(GONE in line for line in account.lines)

    def _take(self) -> None:
        try:
            item = self.inbox.get(timeout=TICK_SECONDS)
        except queue.Empty:
            return
        match item:
            case None:
                self._left()
            case Heard():
                self._hear(item)
            case Over():
                self._asked = True
                if self._ended:
                    self._dispatch.last()
                self._say(self._dispatch.account())
            case Begin():
                pass
            case _:
                self._dispatch.done(item, time.monotonic())

    def _hear(self, line: Heard) -> None:
        notes = self._teller.hear(line.event)
        if line.known:
            return
        for note in notes:
            self._dispatch.put(note)
        self._dispatch.changed()

    def _left(self) -> None:
        """The engine is gone; whoever follows the run here must know if it has not ended."""
        self._left_at = self._clock.wall()
        self._leave_at = time.monotonic() + AFTERWARDS_SECONDS
        if self._teller.folder.start is None:
            self._leave_at = 0.0
            return
        if not self._ended:
            self._dispatch.put(self._teller.gone(self._now()))
        self._dispatch.last()

    @property
    def _ended(self) -> bool:
        return self._teller.folder.end is not None

    def _board(self) -> Card:
        life = self._vigil.life
        if self._left_at is not None:
            life = Life(word=Living.GONE, since=self._left_at)
        return self._teller.board(self._now(), life=life)

    def _look_at_engine(self) -> None:
        """Tell of an engine that is there and does not move, and of its moving again."""
        if self._left_at is not None or self._ended or self._teller.folder.start is None:
            return
        before = self._vigil.life
        if not self._vigil.look(self._teller.state):
            return
        now, life = self._now(), self._vigil.life
        teller = self._teller
        self._dispatch.put(teller.moves(before, now) if life.well else teller.hangs(life, now))
        self._dispatch.changed()

    def _now(self) -> Instant:
        return Instant.now(self._clock)

    def _work(self) -> None:
        while True:
            self.inbox.put(self._jobs.get().send())


def main() -> None:
    """Be the herald of one run; never returns."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the engine; this ends when that is gone
    os.nice(PATIENT)
    engine = os.dup(1)
    os.dup2(2, 1)  # whatever prints goes to the log
    lines = sys.stdin.buffer
    first = lines.readline()
    if first:
        begin = decoded(first)
        if isinstance(begin, Begin):
            _serve(begin, lines, engine)
    os._exit(0)


def _serve(begin: Begin, lines: BinaryIO, engine: int) -> None:
    redactor = Redactor()
    secrets = Secrets(redactor, Path(begin.directory))
    threads = Threads(Path(begin.threads))

    def say(account: Account) -> None:
        try:
            os.write(engine, redactor.clean(account.model_dump_json()).encode() + b"\n")
        except OSError:
            return  # the engine is gone: nobody wants to know any more

    journal = Path(begin.journal) if begin.journal else None
    herald = Herald(ways_of(begin.notify, secrets, threads), say, journal)

    def read() -> None:
        try:
            for line in lines:
                herald.inbox.put(decoded(line))
        finally:
            herald.inbox.put(None)

    threading.Thread(target=read, name="engine", daemon=True).start()
    threads.tell_gone(told=False)
    herald.serve()
    threads.tell_gone(told=herald.told_gone)


if __name__ == "__main__":
    main()
