"""The lease as the engine has it, which is asked again while an effect goes on."""

from __future__ import annotations

from drtool.clock import Clock, seconds_passed
from drtool.lease.lease import Lease

FRESH_SECONDS = 1.0


class Still:
    """Asks the arbiter: always by ``check``, and when it was not asked a moment ago by a call.

    The engine checks right before each effect. An effect that takes long makes many calls, and
    between them the right may pass to another: each of them calls this. A machine that sleeps lets
    an answer grow old as well.
    """

    def __init__(self, lease: Lease, clock: Clock) -> None:
        self._lease, self._clock = lease, clock
        self._asked = seconds_passed(clock)

    @property
    def token(self) -> str:
        """The fencing token."""
        return self._lease.token

    @property
    def holder(self) -> str:
        """Who holds it, as others are told."""
        return self._lease.holder

    @property
    def arbiter(self) -> str:
        """Where it is kept."""
        return self._lease.arbiter

    def check(self) -> None:
        """Raises LeaseHeld when it was lost."""
        now = seconds_passed(self._clock)
        self._lease.check()
        self._asked = now

    def __call__(self) -> None:
        """Raises LeaseHeld when it was lost; a fresh answer counts."""
        if seconds_passed(self._clock) - self._asked > FRESH_SECONDS:
            self.check()

    def release(self) -> None:
        """Give it back; never raises."""
        self._lease.release()
