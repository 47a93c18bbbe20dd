"""Prefect's events wait while a step waits for Prefect. Only the vehicle imports this.

Each task sends three events, and making them costs more than the task itself: sent at once, they
compete with the next step for the interpreter. They are held back for a moment instead, and sent
while a step's own work goes on or nothing is left to start.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.events.clients import PrefectEventsClient
from prefect.events.schemas.events import Event
from prefect.events.worker import EventsWorker, emit_events_to_cloud

HOLD_SECONDS = 0.05
LOOK_SECONDS = 0.005


class Rush:
    """How many steps Prefect is starting or finishing at this moment."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    @property
    def on(self) -> bool:
        """Whether a step waits for Prefect."""
        return self._count > 0

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """A step waits for Prefect until this is left."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    @contextmanager
    def at_leisure(self) -> Iterator[None]:
        """Within ``hurrying``: Prefect waits for the step instead."""
        self._add(-1)
        try:
            yield
        finally:
            self._add(1)

    def _add(self, number: int) -> None:
        with self._lock:
            self._count += number


class PatientClient(PrefectEventsClient):
    """Sends an event when no step waits for Prefect, or has waited for long enough."""

    def __init__(self, rush: Rush) -> None:
        super().__init__()
        self._rush = rush

    async def _emit(self, event: Event) -> None:
        for _ in range(round(HOLD_SECONDS / LOOK_SECONDS)):
            if not self._rush.on:
                break
            await asyncio.sleep(LOOK_SECONDS)
        await super()._emit(event)


def send_patiently(rush: Rush) -> None:
    """Have this process's events wait for the rush; Prefect Cloud's own client stays as it is."""
    if not emit_events_to_cloud():
        EventsWorker.set_client_override(PatientClient, rush=rush)
