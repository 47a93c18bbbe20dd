"""A run: the engine that carries a plan from its start to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from drtool.engine.ports import Ports, RunSettings
from drtool.model.event import Event, RunEnded


class Engine:
    """Runs one plan once, or takes up a run that was interrupted."""

    def __init__(self, settings: RunSettings, ports: Ports) -> None:
        self._settings, self._ports = settings, ports

    @classmethod
    def resume(cls, events: Sequence[Event], ports: Ports, by: str, drift: str = "") -> Self:
        """An engine that takes up an interrupted run from its journal."""
        raise NotImplementedError

    def execute(self) -> RunEnded:
        """Run to the end; in the main thread, because it handles the process's signals.

        Raises Interrupted when the process was told to leave (the run can be resumed), and
        JournalUnusable when nothing can be recorded any more.
        """
        raise NotImplementedError
