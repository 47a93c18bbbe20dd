"""The engine's end of the process that tells people; nothing here waits for anybody else."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from drtool.model.event import Event
from drtool.model.notify import Notify
from drtool.model.secret import secrets_in
from drtool.notify.account import Account
from drtool.notify.brief import Begin, Heard, Line, Over, encoded
from drtool.process import inherited

_UNKNOWN = "what people were told is not known"
_SILENT = "the process that tells them has not answered"


class Notifier:
    """Hands a run's events over, and asks for the account at its end.

    The process has its own session and outlives the engine by half a minute at most, so that
    the end of a run still reaches those who wait for it.
    """

    def __init__(
        self,
        notify: Notify,
        directory: Path,
        threads: Path,
        log: Path,
        journal: Path | None = None,
    ) -> None:
        self._lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._news = threading.Condition()
        self._account, self._accounts, self._gone = Account(), 0, ""
        self._lines.put(
            Begin(
                notify=notify,
                directory=str(directory),
                threads=str(threads),
                journal=str(journal or ""),
            )
        )
        own = [ref.name for ref in secrets_in(notify) if ref.source == "env"]
        self._variables = inherited(os.environ, own)
        threading.Thread(target=self._write, args=(log,), name="notices", daemon=True).start()

    def know(self, events: Iterable[Event]) -> None:
        """Take up a run whose events so far were told by an earlier engine."""
        for event in events:
            self._lines.put(Heard(event=event, known=True))

    def hear(self, event: Event) -> None:
        """Have an event told; returns at once."""
        self._lines.put(Heard(event=event))

    def account(self, seconds: float) -> tuple[str, ...]:
        """What was not told, after the last event; waits that long at most. Asked for once."""
        with self._news:
            before, end = self._accounts, time.monotonic() + seconds
            self._lines.put(Over())
            while not (self._gone or (self._accounts > before and self._account.settled)):
                if not self._news.wait(max(0.0, end - time.monotonic())):
                    break
            if self._accounts > before:
                return self._account.lines
            return (f"{_UNKNOWN}: {self._gone or _SILENT}", *self._account.lines)

    def _start(self, log: Path) -> int:
        """Start the process; what it prints goes to the log. Our end of its input."""
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        it_reads, we_write = os.pipe()
        we_read, it_writes = os.pipe()
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "drtool.notify.herald"],
                stdin=it_reads,
                stdout=it_writes,
                stderr=errors,
                env=self._variables,
                start_new_session=True,
            )
        os.close(it_reads)
        os.close(it_writes)
        process.returncode = 0  # nobody waits for it: it may outlive the engine
        threading.Thread(target=self._read, args=(we_read,), name="notices", daemon=True).start()
        return we_write

    def _write(self, log: Path) -> None:
        try:
            with os.fdopen(self._start(log), "wb") as pipe:
                line: Line | None = None
                while not isinstance(line, Over):
                    line = self._lines.get()
                    pipe.write(encoded(line))
                    if self._lines.empty():
                        pipe.flush()
        except OSError as error:
            self._left(f"the process that tells them cannot be reached: {error}")

    def _read(self, outward: int) -> None:
        with suppress(OSError, ValueError), os.fdopen(outward, "rb") as pipe:
            for line in pipe:
                account = Account.model_validate_json(line)
                with self._news:
                    self._account, self._accounts = account, self._accounts + 1
                    self._news.notify_all()
        self._left("the process that tells them has ended")

    def _left(self, why: str) -> None:
        with self._news:
            self._gone = self._gone or why
            self._news.notify_all()
