"""A failover that takes a planned run over in its engine's process, in the world in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drtool.engine.ports import RunSettings
from drtool.engine.run import Engine
from drtool.errors import Interrupted
from drtool.model.steering import EscalationAsked


@dataclass
class SimHeir:
    """It is planned and ready; ``make`` gives its engine, with the lease of the run before it."""

    asked: EscalationAsked
    settings: RunSettings
    make: Callable[[RunSettings], Engine]
    began: Callable[[str], None]
    engine: Engine | None = None

    def begin(self) -> None:
        """Take the lease over and write the start."""
        self.engine = self.make(self.settings)
        self.engine.begin()
        self.began(self.settings.run)

    def carry(self) -> int:
        """Run it to its end."""
        if self.engine is None:
            return Interrupted.exit_code
        return self.engine.execute().exit_code

    def dismiss(self) -> None:
        """Nothing is its own."""
