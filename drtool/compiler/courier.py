"""Carry messages to the vehicle and from it; neither can hold the engine up."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from drtool.compiler.message import Message, decode, encode
from drtool.compiler.spawn import Spawned

END_SECONDS = 1.0


class Courier:
    """The engine's end of the vehicle's pipes.

    ``hear`` is called on a thread of the courier's own with each message, and at the end with
    None, when the vehicle is gone.
    """

    def __init__(self, vehicle: Spawned, hear: Callable[[Message | None], None]) -> None:
        self.vehicle = vehicle
        self._hear = hear
        self._outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._threads = tuple(
            threading.Thread(target=work, name=f"prefect{work.__name__}", daemon=True)
            for work in (self._write, self._read)
        )
        for thread in self._threads:
            thread.start()

    def send(self, message: Message) -> None:
        """Post a message; returns at once, whatever the vehicle does."""
        self._outbox.put(message)

    def end(self) -> None:
        """End the vehicle, whatever it is doing."""
        self._outbox.put(None)
        self.vehicle.kill()
        for thread in self._threads:
            thread.join(END_SECONDS)

    def _write(self) -> None:
        with suppress(OSError), os.fdopen(self.vehicle.inward, "wb", buffering=0) as pipe:
            while (message := self._outbox.get()) is not None:
                pipe.write(encode(message))

    def _read(self) -> None:
        with os.fdopen(self.vehicle.outward, "rb") as pipe:
            for line in pipe:
                with suppress(ValueError):  # something wrote to the pipe that should not have
                    self._hear(decode(line))
        self._hear(None)
