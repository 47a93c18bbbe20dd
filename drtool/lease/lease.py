"""The right to act on a service."""

from __future__ import annotations

from typing import Protocol

from drtool.connections.reach import Writer
from drtool.errors import LeaseHeld


class Lease(Protocol):
    """A right that is held; it ends with ``release``, with its session, or with its machine.

    ``token`` grows from one holder to the next. ``arbiter`` says where it is kept. ``session``
    is the one that holds it, where the arbiter gives one: effects that go through it cannot
    outlive the right.
    """

    @property
    def token(self) -> str:
        """The fencing token."""

    @property
    def holder(self) -> str:
        """Who holds it, as others are told."""

    @property
    def arbiter(self) -> str:
        """Where it is kept."""

    @property
    def session(self) -> Writer | None:
        """The session that holds it."""

    def check(self) -> None:
        """Ask the arbiter; raises LeaseHeld when the lease was lost."""

    def release(self) -> None:
        """Give it back; never raises."""


def token_text(number: int) -> str:
    """A counted token as text that sorts as the numbers do."""
    return f"{number:012d}"


def lost(service: str, arbiter: str, reason: str) -> LeaseHeld:
    """The lease was ours and is no longer; nothing more may be changed."""
    return LeaseHeld(
        f"lease of {service}",
        f"it was lost at {arbiter}: {reason}",
        "the lease held until the run's end",
        "see who acts on the service now, then start a new run: it observes every step "
        "and adopts what is done",
    )


def held(service: str, arbiter: str, by: str, run: str, how_it_ends: str) -> LeaseHeld:
    """Somebody else has the lease; ``by`` names the holder and says since when."""
    follow = f"on that machine: drtool attach {run}, or drtool abort {run}; " if run else ""
    return LeaseHeld(
        f"lease of {service}",
        f"held by {by} (at {arbiter})",
        "nobody else acting on the service",
        follow + how_it_ends,
    )
