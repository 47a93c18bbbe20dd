"""The right to act on a service."""

from __future__ import annotations

import re
from typing import Protocol

from drtool.connections.reach import Writer
from drtool.errors import LeaseHeld
from drtool.model.value import Value

BY_FORCE = "--take-over --reason 'why its holder must not act'"
_BEGAN = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-")


class Claim(Value):
    """Who wants the lease of which service, for which run; ``by_force`` also from its holder."""

    service: str
    holder: str
    run: str
    by_force: bool = False


class Lease(Protocol):
    """A right that is held; it ends with ``release``, with its session, or with its machine.

    ``token`` grows from one holder to the next. ``arbiter`` says where it is kept. ``session``
    is the one that holds it, where the arbiter gives one: effects that go through it cannot
    outlive the right. ``over`` says from whom it was taken by force, "" otherwise.
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

    @property
    def over(self) -> str:
        """From whom it was taken by force."""

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


def held(
    service: str, arbiter: str, by: str, run: str, how_it_ends: str, *, force: bool = True
) -> LeaseHeld:
    """Somebody else has the lease; ``by`` names the holder and says since when.

    ``force`` says that it can be taken from there by force.
    """
    follow = f"on that machine: drtool attach {run}, or drtool abort {run}; " if run else ""
    all_the_same = f"; to act all the same, add: {BY_FORCE}" if run and force else ""
    return LeaseHeld(
        f"lease of {service}",
        f"held by {by} (at {arbiter})",
        "nobody else acting on the service",
        follow + how_it_ends + all_the_same,
    )


def since_text(run: str) -> str:
    """Since when a run is at work, by its id: ``, since 2026-11-23 05:14:01 UTC``; or ""."""
    found = _BEGAN.match(run)
    return ", since {}-{}-{} {}:{}:{} UTC".format(*found.groups()) if found else ""
