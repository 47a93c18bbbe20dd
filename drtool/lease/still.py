"""Whether the lease is still ours, asked again while an effect goes on."""

from __future__ import annotations

from drtool.clock import Clock
from drtool.lease.lease import Lease

FRESH_SECONDS = 1.0


class Still:
    """Asks the arbiter, unless it was asked a moment ago.

    An effect that takes long makes many calls; between them the right may pass to another. The
    engine itself asks right before each effect, however fresh this answer is.
    """

    def __init__(self, lease: Lease, clock: Clock) -> None:
        self._lease, self._clock = lease, clock
        self._asked = clock.monotonic()

    def __call__(self) -> None:
        """Raises LeaseHeld when it was lost."""
        now = self._clock.monotonic()
        if now - self._asked > FRESH_SECONDS:
            self._lease.check()
            self._asked = now
