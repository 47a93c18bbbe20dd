"""Start the vehicle and carry messages to it and from it; neither can hold the engine up."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from drtool.compiler.message import Message, decode, encode

END_SECONDS = 1.0


class Courier:
    """The engine's end of the vehicle's pipes.

    ``hear`` is called on a thread of the courier's own with each message, and at the end with
    None, when the vehicle is gone.
    """

    def __init__(
        self, environment: dict[str, str], log: Path, hear: Callable[[Message | None], None]
    ) -> None:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "drtool.compiler.vehicle"],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
            )
        self._hear = hear
        self._outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._threads = tuple(
            threading.Thread(target=work, name=f"prefect{work.__name__}", daemon=True)
            for work in (self._write, self._read)
        )
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The vehicle's process id."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Post a message; returns at once, whatever the vehicle does."""
        self._outbox.put(message)

    def end(self) -> None:
        """End the vehicle, whatever it is doing."""
        self._outbox.put(None)
        self._process.kill()
        self._process.wait(END_SECONDS)
        for thread in self._threads:
            thread.join(END_SECONDS)

    def _write(self) -> None:
        pipe = self._process.stdin
        if pipe is None:
            raise AssertionError("the vehicle was started without a pipe")
        with suppress(OSError), pipe:
            while (message := self._outbox.get()) is not None:
                pipe.write(encode(message))

    def _read(self) -> None:
        pipe = self._process.stdout
        if pipe is None:
            raise AssertionError("the vehicle was started without a pipe")
        with pipe:
            for line in pipe:
                with suppress(ValueError):  # something wrote to the pipe that should not have
                    self._hear(decode(line))
        self._hear(None)
